//! The binary's own room: wires the others together and performs. No decision about devices is taken here.

pub mod bus;
pub mod capture;
pub mod cli;
pub mod control;
pub mod pipeline;
pub mod report;
pub mod witness;
