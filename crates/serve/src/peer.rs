//! Who asks, as the routes may know it: a class of addresses, and when the connection has to end.
//!
//! It must not name a person: an address is not one.

use std::net::IpAddr;
use tokio::sync::watch;

/// Bits of an IPv6 address that stand for one subscriber.
const IPV6_PREFIX_BITS: u32 = 64;

/// Those who share one allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// This machine: loopback and Unix sockets.
    #[default]
    Here,
    /// One IPv4 address, or one IPv6 network of 64 bits.
    From(u128),
    /// All others, while too many are about.
    Crowd,
}

impl Class {
    /// The class of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            local if local.is_loopback() => Self::Here,
            IpAddr::V4(v4) => Self::From(v4.to_bits().into()),
            IpAddr::V6(v6) => {
                Self::From(v6.to_bits() >> (128 - IPV6_PREFIX_BITS) << (128 - IPV6_PREFIX_BITS))
            }
        }
    }
}

/// The connection that a request came on: put with every request.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) class: Class,
    leaving: watch::Receiver<bool>,
}

impl Peer {
    pub(crate) fn new(class: Class, leaving: watch::Receiver<bool>) -> Self {
        Self { class, leaving }
    }

    /// Returns when the connection should end: an answer without end has to end now.
    pub(crate) async fn leaving(mut self) {
        let _ = self.leaving.wait_for(|leaving| *leaving).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_class_however_it_is_written() {
        let of = |text: &str| Class::of(text.parse().unwrap());
        for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(of(here), Class::Here, "{here}");
        }
        assert_eq!(of("10.0.0.1"), of("::ffff:10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }
}
