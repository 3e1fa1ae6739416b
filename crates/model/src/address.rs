//! Link and network addresses, and what kind of place an IP address names.

use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr};

/// An IEEE 802 MAC address (EUI-48).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// ff:ff:ff:ff:ff:ff
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// 00:00:00:00:00:00, which captures use for "none".
    pub const ZERO: Self = Self([0; 6]);

    /// From the six octets in transmission order.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The six octets in transmission order.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Group bit set: multicast or broadcast. Such an address never names a device.
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Locally administered: randomised, virtual or set by hand; its prefix names no maker (IEEE 802-2014 §8.4).
    pub const fn is_local(self) -> bool {
        self.0[0] & 2 == 2
    }

    /// Can be a sender: neither zero nor a group.
    pub fn is_unicast(self) -> bool {
        !self.is_group() && self != Self::ZERO
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddr {
    type Err = String;

    /// Any usual spelling: `00:1a:2b:…`, `00-1A-2B-…`, `001a.2b3c.4d5e`, `001a2b3c4d5e`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut octets = [0u8; 6];
        let mut nibbles = 0usize;
        for c in text.trim().chars() {
            match (c.to_digit(16), c) {
                (Some(digit), _) => {
                    let slot = octets.get_mut(nibbles / 2).ok_or_else(|| bad_mac(text))?;
                    *slot = (*slot << 4) | digit as u8;
                    nibbles += 1;
                }
                (None, ':' | '-' | '.' | ' ') => {}
                _ => return Err(bad_mac(text)),
            }
        }
        if nibbles == 12 { Ok(Self(octets)) } else { Err(bad_mac(text)) }
    }
}

fn bad_mac(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("`{shown}` is not a MAC address: twelve hexadecimal digits are needed")
}

impl Serialize for MacAddr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MacAddr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What kind of place an IP address names, by the registries (RFC 6890, RFC 4291).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpClass {
    /// 0.0.0.0 or ::, a host without an address yet.
    Unspecified,
    /// 127/8 or ::1.
    Loopback,
    /// 169.254/16 or fe80::/10: never crosses a router.
    LinkLocal,
    /// RFC 1918, RFC 6598 or unique-local fc00::/7: of this site unless told otherwise.
    Private,
    /// Multicast or broadcast: a group, not a host.
    Group,
    /// Everything else: somewhere on the Internet unless the site says it owns it.
    Global,
}

/// Classifies `ip`.
pub fn classify_ip(ip: IpAddr) -> IpClass {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            match (a, b) {
                (0, _) => IpClass::Unspecified,
                (127, _) => IpClass::Loopback,
                (169, 254) => IpClass::LinkLocal,
                (10, _) | (192, 168) | (172, 16..=31) | (100, 64..=127) => IpClass::Private,
                (224..=239, _) => IpClass::Group,
                _ if v4.is_broadcast() => IpClass::Group,
                _ => IpClass::Global,
            }
        }
        IpAddr::V6(v6) => {
            if let Some(v4) = v6.to_ipv4_mapped() {
                return classify_ip(IpAddr::V4(v4));
            }
            match v6.segments()[0] {
                _ if v6.is_unspecified() => IpClass::Unspecified,
                _ if v6.is_loopback() => IpClass::Loopback,
                s if s & 0xffc0 == 0xfe80 => IpClass::LinkLocal,
                s if s & 0xfe00 == 0xfc00 => IpClass::Private,
                s if s & 0xff00 == 0xff00 => IpClass::Group,
                _ => IpClass::Global,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_of_a_mac_is_one_address() {
        for text in ["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e", "001A2B3C4D5E"] {
            assert_eq!(text.parse::<MacAddr>().unwrap().to_string(), "00:1a:2b:3c:4d:5e");
        }
        for text in ["", "00:1a", "00:1a:2b:3c:4d:5e:6f", "zz:zz:zz:zz:zz:zz"] {
            assert!(text.parse::<MacAddr>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_fall_into_the_registries_classes() {
        let class = |text: &str| classify_ip(text.parse().unwrap());
        assert_eq!(class("10.1.2.3"), IpClass::Private);
        assert_eq!(class("100.64.0.1"), IpClass::Private);
        assert_eq!(class("fd00::1"), IpClass::Private);
        assert_eq!(class("fe80::1"), IpClass::LinkLocal);
        assert_eq!(class("ff02::fb"), IpClass::Group);
        assert_eq!(class("255.255.255.255"), IpClass::Group);
        assert_eq!(class("::ffff:192.168.0.1"), IpClass::Private);
        assert_eq!(class("2001:db8::1"), IpClass::Global);
        assert_eq!(class("0.0.0.0"), IpClass::Unspecified);
    }
}
