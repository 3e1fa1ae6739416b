//! The ledger's formats and proofs.

mod auditing;
mod checkpoints;
mod cosigned;
mod notes;
mod paths;
mod peers;
mod proofs;
mod shelf;
mod trees;
mod vectors;
mod witnessing;
