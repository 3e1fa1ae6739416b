//! Not observed yet.
