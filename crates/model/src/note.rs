//! What a person wrote about something. Patient data does not belong there; the form says so.

use crate::About;
use crate::words::{Invalid, Prose};

/// Characters of a note.
pub const NOTE_CHARS_MAX: usize = 4_000;

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// About what.
    pub about: About,
    /// The words.
    pub body: Prose<NOTE_CHARS_MAX>,
}

impl Note {
    /// The note that somebody wrote.
    ///
    /// # Errors
    /// [`Invalid`] names the field.
    pub fn new(about: About, body: &str) -> Result<Self, Invalid> {
        Ok(Self { about, body: Prose::new("body", body)? })
    }
}
