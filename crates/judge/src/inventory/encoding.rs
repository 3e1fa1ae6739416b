//! A subject as bytes and back, for stores: compact, versioned, total and bounded on decoding.
//!
//! Version 1. Numbers are LEB128 (unsigned, shortest form); times are zigzag differences, in nanoseconds modulo 2^64, to
//! when the subject was first heard of; text is its length and UTF-8. Protocols stand in a table by name at the front,
//! because their numbers move when one is added; attributes are numbers, because theirs do not (model/attribute.rs).
//!
//! ```text
//! version · first_seen (absolute) · last_seen · sent · packets · bytes · claims, bindings dropped · logins refused
//! protocols: count · (name · took part)…
//! vlans: count · id…
//! claims: count · (attribute · protocol by table · ended · first · last · value)…
//! bindings: count · (4 or 6 · address · ways · [vlan] · first · last)…
//! address conflicts: count · (time · detail)…
//! ```

use super::subject::{
    BOUND_ADDRESSES_MAX, Binding, CLAIMS_MAX, Ended, Heard, Subject, VALUE_BYTES_MAX, VLANS_MAX,
};
use model::{Attribute, Protocol, Timestamp, Vlan};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// The layout that this build writes.
const VERSION: u8 = 1;
/// Protocols in a table: at most those there are.
const PROTOCOLS_MAX: usize = Protocol::ALL.len() + 1;

const CONFIRMED: u64 = 1;
const ON_LINK: u64 = 2;
const FORWARDED: u64 = 4;
const HAS_VLAN: u64 = 8;

/// Why bytes are no subject. Trying again does not help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A newer Ward wrote them: run that one, or let it write its data out.
    Version(u8),
    /// They name a protocol that this build does not know; a newer Ward wrote them.
    Protocol(SmolStr),
    /// They end too early: what was stored is damaged.
    Truncated {
        /// Bytes there are.
        at: usize,
    },
    /// They contradict the layout: what was stored is damaged.
    Damaged {
        /// Bytes from the start to where that shows.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(
                    f,
                    "an endpoint was stored in layout {version}, and this build reads up to {VERSION}: use the newer build"
                )
            }
            Self::Protocol(name) => {
                write!(
                    f,
                    "an endpoint was stored with the protocol `{name}`, which this build does not know: use the newer build"
                )
            }
            Self::Truncated { at } => {
                write!(f, "a stored endpoint ends after {at} bytes, too early: restore it from a backup")
            }
            Self::Damaged { at, what } => {
                write!(f, "a stored endpoint is damaged at byte {at} ({what}): restore it from a backup")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

impl Subject {
    /// Appends the subject to `out`.
    pub fn to_bytes(&self, out: &mut Vec<u8>) {
        let mut w = Writer { out, base: self.first_seen.as_nanos() };
        w.out.push(VERSION);
        w.number(w.base);
        w.time(self.last_seen);
        w.number(u64::from(self.sent));
        for sum in [self.packets, self.bytes, self.claims_dropped, self.bindings_dropped, self.logins_refused]
        {
            w.number(sum);
        }
        let table = self.protocol_table();
        w.count(table.len());
        for protocol in &table {
            w.text(protocol.name());
            w.number((self.protocols >> *protocol as u32) & 1);
        }
        w.count(self.vlans.len());
        self.vlans.iter().for_each(|vlan| w.number(u64::from(vlan.id())));
        w.count(self.claims.len());
        for heard in &self.claims {
            let place = table.iter().position(|protocol| *protocol == heard.source).unwrap_or_default();
            w.heard(heard, place);
        }
        w.count(self.bindings.len());
        self.bindings.iter().for_each(|(ip, binding)| w.binding(*ip, binding));
        w.count(self.address_conflicts.len());
        for (detail, at) in &self.address_conflicts {
            w.time(*at);
            w.text(detail);
        }
    }

    /// Reads what [`Subject::to_bytes`] wrote; all of `bytes`.
    ///
    /// # Errors
    /// Bytes of a newer build, or that were damaged. Reading takes memory in proportion to `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader { bytes, at: 0, base: 0 };
        match r.byte()? {
            VERSION => {}
            version => return Err(DecodeError::Version(version)),
        }
        r.base = r.number()?;
        let mut subject = Self { first_seen: Timestamp::from_nanos(r.base), ..Self::default() };
        subject.last_seen = r.time()?;
        subject.sent = r.flag()?;
        subject.packets = r.number()?;
        subject.bytes = r.number()?;
        subject.claims_dropped = r.number()?;
        subject.bindings_dropped = r.number()?;
        subject.logins_refused = r.number()?;
        let table = r.protocols(&mut subject)?;
        for _ in 0..r.count(VLANS_MAX, "more VLANs than are kept")? {
            let vlan = r.vlan()?;
            if subject.vlans.last().is_some_and(|last| *last >= vlan) {
                return Err(r.damaged("VLANs out of order"));
            }
            subject.vlans.push(vlan);
        }
        for _ in 0..r.count(CLAIMS_MAX, "more claims than are kept")? {
            let heard = r.heard(&table)?;
            subject.claims.push(heard);
        }
        subject.bindings = r.bindings()?;
        for _ in 0..r.count(CLAIMS_MAX, "more address conflicts than are kept")? {
            let at = r.time()?;
            subject.address_conflicts.push((SmolStr::new(r.text()?), at));
        }
        if r.at < bytes.len() {
            return Err(r.damaged("bytes behind the end"));
        }
        Ok(subject)
    }

    /// The protocols it took part in or that carried a claim, in declaration order.
    fn protocol_table(&self) -> Vec<Protocol> {
        let of_claims = self.claims.iter().fold(0_u64, |bits, heard| bits | 1 << heard.source as u32);
        let bits = self.protocols | of_claims;
        let all = std::iter::once(&Protocol::Unknown).chain(Protocol::ALL);
        all.copied().filter(|protocol| (bits >> *protocol as u32) & 1 == 1).collect()
    }
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    base: u64,
}

impl Writer<'_> {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn time(&mut self, at: Timestamp) {
        let difference = at.as_nanos().wrapping_sub(self.base) as i64;
        self.number(((difference << 1) ^ (difference >> 63)) as u64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.out.extend_from_slice(text.as_bytes());
    }

    fn heard(&mut self, heard: &Heard, protocol_place: usize) {
        self.number(heard.attribute as u64);
        self.count(protocol_place);
        self.number(match heard.ended {
            None => 0,
            Some(Ended::Silent) => 1,
            Some(Ended::Superseded) => 2,
        });
        self.time(heard.first_seen);
        self.time(heard.last_seen);
        self.text(&heard.value);
    }

    fn binding(&mut self, ip: IpAddr, binding: &Binding) {
        match ip {
            IpAddr::V4(v4) => {
                self.out.push(4);
                self.out.extend_from_slice(&v4.octets());
            }
            IpAddr::V6(v6) => {
                self.out.push(6);
                self.out.extend_from_slice(&v6.octets());
            }
        }
        let way = |is: bool, bit: u64| if is { bit } else { 0 };
        self.number(
            way(binding.confirmed, CONFIRMED)
                | way(binding.on_link, ON_LINK)
                | way(binding.forwarded, FORWARDED)
                | way(binding.vlan.is_some(), HAS_VLAN),
        );
        binding.vlan.iter().for_each(|vlan| self.number(u64::from(vlan.id())));
        self.time(binding.first_seen);
        self.time(binding.last_seen);
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    base: u64,
}

impl<'b> Reader<'b> {
    fn damaged(&self, what: &'static str) -> DecodeError {
        DecodeError::Damaged { at: self.at, what }
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], DecodeError> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(DecodeError::Truncated { at: self.bytes.len() })?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| DecodeError::Truncated { at: self.bytes.len() })
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits || (byte == 0 && shift > 0) {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged("a number longer than it need be"))
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged("neither yes nor no")),
        }
    }

    fn count(&mut self, most: usize, what: &'static str) -> Result<usize, DecodeError> {
        let count = self.number()?;
        usize::try_from(count).ok().filter(|count| *count <= most).ok_or_else(|| self.damaged(what))
    }

    fn time(&mut self) -> Result<Timestamp, DecodeError> {
        let zigzag = self.number()?;
        let difference = (zigzag >> 1) ^ (zigzag & 1).wrapping_neg();
        Ok(Timestamp::from_nanos(self.base.wrapping_add(difference)))
    }

    fn text(&mut self) -> Result<&'b str, DecodeError> {
        let length = self.count(VALUE_BYTES_MAX, "a longer text than is kept")?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged("text that is not UTF-8"))
    }

    fn vlan(&mut self) -> Result<Vlan, DecodeError> {
        let id = u16::try_from(self.number()?).ok().and_then(Vlan::new);
        id.ok_or_else(|| self.damaged("no VLAN has that number"))
    }

    fn protocols(&mut self, subject: &mut Subject) -> Result<Vec<Protocol>, DecodeError> {
        let mut table = Vec::new();
        for _ in 0..self.count(PROTOCOLS_MAX, "more protocols than there are")? {
            let name = self.text()?;
            let known = std::iter::once(&Protocol::Unknown).chain(Protocol::ALL).find(|p| p.name() == name);
            let protocol = *known.ok_or_else(|| DecodeError::Protocol(shown(name)))?;
            if table.contains(&protocol) {
                return Err(self.damaged("a protocol stands twice"));
            }
            if self.flag()? {
                subject.protocols |= 1 << protocol as u32;
            }
            table.push(protocol);
        }
        Ok(table)
    }

    fn heard(&mut self, table: &[Protocol]) -> Result<Heard, DecodeError> {
        let attribute = usize::try_from(self.number()?).ok().and_then(|n| Attribute::ALL.get(n));
        let attribute = *attribute.ok_or_else(|| self.damaged("no attribute has that number"))?;
        let source = usize::try_from(self.number()?).ok().and_then(|n| table.get(n));
        let source = *source.ok_or_else(|| self.damaged("no protocol has that place"))?;
        let ended = match self.number()? {
            0 => None,
            1 => Some(Ended::Silent),
            2 => Some(Ended::Superseded),
            _ => return Err(self.damaged("a claim ended in no known way")),
        };
        let (first_seen, last_seen) = (self.time()?, self.time()?);
        let value = SmolStr::new(self.text()?);
        Ok(Heard { attribute, source, ended, value, first_seen, last_seen })
    }

    fn bindings(&mut self) -> Result<BTreeMap<IpAddr, Binding>, DecodeError> {
        let mut bindings: Vec<(IpAddr, Binding)> = Vec::new();
        for _ in 0..self.count(BOUND_ADDRESSES_MAX, "more addresses than are kept")? {
            let ip = match self.byte()? {
                4 => IpAddr::from(self.array::<4>()?),
                6 => IpAddr::from(self.array::<16>()?),
                _ => return Err(self.damaged("neither IPv4 nor IPv6")),
            };
            if bindings.last().is_some_and(|(last, _)| *last >= ip) {
                return Err(self.damaged("addresses out of order"));
            }
            bindings.push((ip, self.binding()?));
        }
        Ok(bindings.into_iter().collect())
    }

    fn binding(&mut self) -> Result<Binding, DecodeError> {
        let ways = self.number()?;
        if ways > CONFIRMED | ON_LINK | FORWARDED | HAS_VLAN {
            return Err(self.damaged("bound in no known way"));
        }
        let vlan = if ways & HAS_VLAN == 0 { None } else { Some(self.vlan()?) };
        Ok(Binding {
            confirmed: ways & CONFIRMED != 0,
            on_link: ways & ON_LINK != 0,
            forwarded: ways & FORWARDED != 0,
            vlan,
            first_seen: self.time()?,
            last_seen: self.time()?,
        })
    }
}

/// For a message: not longer than a line.
fn shown(name: &str) -> SmolStr {
    const SHOWN_CHARS_MAX: usize = 40;
    name.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
