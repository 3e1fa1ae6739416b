//! NTP and SNTP: whose clock a device trusts. Alarm times, audit trails and drug-library logs are only as good as it is.
//!
//! Reads headers, and of control messages the variables that name the server's software; never takes a time for truth.
//! Standards: RFC 5905 (v4), RFC 1305 (v3), RFC 4330 (SNTP), RFC 9327 (control, mode 6); mode 7 is ntpd's own.

mod control;
mod parse;
#[cfg(test)]
mod tests;

pub use control::{Control, Variables};
pub use parse::{parse, probe};

/// Largest message that is read, in bytes: header, extension fields and MAC, or one full control fragment.
pub const MESSAGE_BYTES_MAX: usize = 1_400;

/// One message, borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Time asked or told: modes 1 to 5.
    Time(Time),
    /// Mode 6: ntpq and monitoring.
    Control(Control<'a>),
    /// Mode 7: ntpdc, and the `monlist` of reflection attacks.
    Private(Private),
}

impl Message<'_> {
    /// The verb under which it is counted.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Time(time) => time.mode.verb(),
            Self::Control(_) => "CONTROL",
            Self::Private(_) => "PRIVATE",
        }
    }
}

/// The fields of a time message that tell something about who sent it (RFC 5905 §7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Protocol version, 1 to 4.
    pub version: u8,
    /// Role of the sender.
    pub mode: Mode,
    /// Distance from a reference clock: 1 has one, 16 is unsynchronised, 0 is unspecified or a kiss-o'-death.
    pub stratum: u8,
    /// Log2 seconds between messages.
    pub poll: i8,
    /// Log2 seconds: how fine the sender's clock is.
    pub precision: i8,
    /// Stratum 0: kiss code; 1: kind of reference clock; above: the upstream's IPv4 address or a hash.
    pub reference_id: [u8; 4],
}

impl Time {
    /// The kiss code with which a server turns a client away (RFC 5905 §7.4), if this is one and the code is known.
    pub fn kiss(&self) -> Option<&'static str> {
        const CODES: [&str; 15] = [
            "ACST", "AUTH", "AUTO", "BCST", "CRYP", "DENY", "DROP", "RSTR", "INIT", "MCST", "NKEY", "NTSN",
            "RATE", "RMOT", "STEP",
        ];
        (self.mode == Mode::Server && self.stratum == 0)
            .then(|| CODES.into_iter().find(|code| code.as_bytes() == self.reference_id))
            .flatten()
    }
}

/// Association modes (RFC 5905 figure 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Mode 1: a peer that asks a peer.
    SymmetricActive,
    /// Mode 2: a peer that answers a peer.
    SymmetricPassive,
    /// Mode 3.
    Client,
    /// Mode 4.
    Server,
    /// Mode 5.
    Broadcast,
}

impl Mode {
    /// The verb under which it is counted.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::SymmetricActive => "SYMMETRIC-ACTIVE",
            Self::SymmetricPassive => "SYMMETRIC-PASSIVE",
            Self::Client => "CLIENT",
            Self::Server => "SERVER",
            Self::Broadcast => "BROADCAST",
        }
    }
}

/// A mode 7 message, as far as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Private {
    /// It answers.
    pub response: bool,
    /// What is asked: 20 and 42 are the `monlist` requests.
    pub request_code: u8,
}
