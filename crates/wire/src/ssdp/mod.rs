//! Not read yet.
