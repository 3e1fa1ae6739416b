//! The binary's own room: wires the others together and performs. No decision about devices is taken here.

pub mod acts;
pub mod bus;
pub mod capture;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod core;
pub mod demo;
pub mod doctor;
pub mod keys;
pub mod logging;
pub mod measure;
pub mod pipeline;
pub mod report;
pub mod source;
pub mod tasks;
pub mod up;
pub mod witness;
pub mod zone_file;
