//! Faults
