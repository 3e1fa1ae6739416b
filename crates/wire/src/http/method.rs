//! Request methods.

/// Longest method that can be one, in bytes.
pub(super) const METHOD_BYTES_MAX: usize = 24;

macro_rules! methods {
    ($($variant:ident = $name:literal,)*) => {
        /// What a request asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Method {
            $(#[doc = $name] $variant,)*
            /// A method that no standard here names: counted, never guessed.
            Other,
        }

        impl Method {
            /// The verb under which it is counted.
            pub const fn verb(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other => "OTHER",
                }
            }

            /// The method with this name; names are case-sensitive (RFC 9110 §9.1).
            pub(super) fn named(name: &[u8]) -> Self {
                // By way of text: a match on byte strings compiles to slower code.
                match std::str::from_utf8(name) {
                    $(Ok($name) => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

// RFC 9110 §9, RFC 5789, WebDAV (RFC 4918, 3253, 5323), UPnP eventing and control, RPC over HTTP.
methods! {
    Get = "GET",
    Head = "HEAD",
    Post = "POST",
    Put = "PUT",
    Delete = "DELETE",
    Connect = "CONNECT",
    Options = "OPTIONS",
    Trace = "TRACE",
    Patch = "PATCH",
    PropFind = "PROPFIND",
    PropPatch = "PROPPATCH",
    MkCol = "MKCOL",
    Copy = "COPY",
    Move = "MOVE",
    Lock = "LOCK",
    Unlock = "UNLOCK",
    Report = "REPORT",
    Search = "SEARCH",
    Notify = "NOTIFY",
    Subscribe = "SUBSCRIBE",
    Unsubscribe = "UNSUBSCRIBE",
    MSearch = "M-SEARCH",
    MPost = "M-POST",
    RpcInData = "RPC_IN_DATA",
    RpcOutData = "RPC_OUT_DATA",
}

/// Whether `byte` may stand in a method here: the standard allows any token, practice is upper case.
pub(super) const fn is_method_byte(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'-' | b'_')
}
