//! What a scan tells people and programs: one document, and three ways to show it.

mod document;
mod html;
mod picture;
mod redact;
mod table;
mod units;

pub use document::{Document, SourceRead, build};
pub use html::page;
pub use redact::Redactor;
pub use table::{devices_table, print};
