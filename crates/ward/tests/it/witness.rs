//! Witnessing over real HTTP: our witness against logs that behave and logs that do not, our client against witnesses of all
//! kinds.

mod asking;
mod binary;
mod durable;
mod hostile;
mod log;
mod protocol;
mod server;
mod tls;
