//! The contract between parsers and whoever feeds them bytes.

/// A parser's answer about the bytes at the front of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed<M> {
    /// A message stands at the front.
    Whole {
        /// What it says, borrowed from the input.
        message: M,
        /// Bytes of the stream it occupies, at least 1. May exceed the input: the rest is body that the parser need not
        /// see, and the feeder skips it without buffering.
        length: usize,
    },
    /// The front may be a message, but more bytes are needed to say.
    Partial {
        /// Bytes needed in all, counted from the front: more than the input holds, at most the protocol's own bound.
        need: usize,
    },
}

/// How sure a protocol is that the first bytes of a conversation are its own. By content, never by port alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It is, beyond reasonable doubt.
    Certain,
    /// It could be; more bytes will tell.
    Unsure,
    /// It is not.
    NotForUs,
}
