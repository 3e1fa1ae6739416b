//! Where to listen: loopback, or a Unix socket.
//!
//! It must not let anything else through: there is neither TLS nor sign-in yet.

use crate::error::ServeError;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Bytes of the longest path of a Unix socket: `sun_path` without its zero (unix(7)).
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

const NOT_LOOPBACK: &str = "in plain text only loopback (127.0.0.0/8 or ::1) and Unix sockets; TLS and sign-in come with \
    the next release, until then put a reverse proxy with TLS in front";

/// An address that may be listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    // INVARIANT: loopback.
    Tcp(SocketAddr),
    // INVARIANT: at most SOCKET_PATH_BYTES_MAX.
    Unix(PathBuf),
}

impl Address {
    /// A TCP address; port 0 lets the system choose.
    ///
    /// # Errors
    /// [`ServeError::Refused`] for what is not loopback.
    pub fn tcp(address: SocketAddr) -> Result<Self, ServeError> {
        if address.ip().to_canonical().is_loopback() {
            Ok(Self(Kind::Tcp(address)))
        } else {
            Err(ServeError::refused(&address.to_string(), NOT_LOOPBACK))
        }
    }

    /// A Unix socket, made with mode 0600.
    ///
    /// # Errors
    /// [`ServeError::Refused`] for a path that the system cannot take.
    pub fn unix(path: &Path) -> Result<Self, ServeError> {
        if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            let why = "the path of a Unix socket has at most 107 bytes: choose a shorter folder";
            return Err(ServeError::refused(&path.display().to_string(), why));
        }
        if path.file_name().is_none() {
            return Err(ServeError::refused(&path.display().to_string(), "this is not the path of a file"));
        }
        Ok(Self(Kind::Unix(path.to_path_buf())))
    }

    /// The TCP address, where it is one.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(address) => Some(*address),
            Kind::Unix(_) => None,
        }
    }

    /// The path of the Unix socket, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Tcp(_) => None,
            Kind::Unix(path) => Some(path),
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }
}

/// Reads `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`. Names are not looked up.
impl FromStr for Address {
    type Err = ServeError;

    fn from_str(text: &str) -> Result<Self, ServeError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Self::unix(Path::new(path));
        }
        let why = "an address is an IP address and a port (127.0.0.1:8080, [::1]:8080) or unix:/path";
        let address: SocketAddr = text.parse().map_err(|_| ServeError::refused(text, why))?;
        Self::tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tcp(address) => address.fmt(out),
            Kind::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_unix_sockets() {
        for fine in
            ["127.0.0.1:0", "127.3.2.1:80", "[::1]:8080", "[::ffff:127.0.0.1]:1", "unix:/run/ward.sock"]
        {
            assert!(fine.parse::<Address>().is_ok(), "{fine}");
        }
        for (refused, why) in [
            ("0.0.0.0:8080", "reverse proxy"),
            ("[::]:8080", "reverse proxy"),
            ("10.0.0.1:80", "reverse proxy"),
            ("[::ffff:10.0.0.1]:1", "reverse proxy"),
            ("localhost:8080", "IP address and a port"),
            ("127.0.0.1", "IP address and a port"),
            ("unix:/", "not the path of a file"),
        ] {
            let said = refused.parse::<Address>().unwrap_err().to_string();
            assert!(said.contains(refused.trim_start_matches("unix:")) && said.contains(why), "{said}");
        }
        let long = format!("unix:/{}", "a".repeat(SOCKET_PATH_BYTES_MAX));
        assert!(long.parse::<Address>().unwrap_err().to_string().contains("107 bytes"));
    }
}
