//! IPv4 (RFC 791) and IPv6 (RFC 8200) with fragments and extension headers.

use super::fragment::{FragmentKey, Piece};
use super::{Content, Ip, Next, Walk};
use model::UnparsedReason;

/// What the network header said; kept until the transport is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    pub(crate) source: Ip,
    pub(crate) destination: Ip,
    pub(crate) ttl: u8,
    pub(crate) id: u16,
    pub(crate) bytes: u32,
    /// Bytes after the network header that the frame did not keep (snapshot length).
    pub(crate) cut_bytes: u32,
}

impl<'a> Walk<'a, '_> {
    #[inline]
    pub(super) fn ipv4(&mut self) -> Result<Next, UnparsedReason> {
        let packet = self.rest;
        let [vi, _, t0, t1, i0, i1, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
            self.header::<20>()?;
        let header_bytes = usize::from(vi & 0x0f) * 4;
        if vi >> 4 != 4 || header_bytes < 20 {
            return Err(UnparsedReason::Malformed);
        }
        if header_bytes > 20 {
            self.skip(header_bytes - 20)?;
        }
        let total = match usize::from(u16::from_be_bytes([t0, t1])) {
            // Segmentation offload: the card fills the length in later.
            0 => packet.len(),
            total if total < header_bytes => return Err(UnparsedReason::Malformed),
            total => total,
        };
        let body_bytes = total - header_bytes;
        // Ethernet pads short frames: the header's length rules.
        let cut_bytes = match self.rest.get(..body_bytes) {
            Some(body) => {
                self.rest = body;
                0
            }
            None => body_bytes - self.rest.len(),
        };
        let (source, destination) = (Ip::v4([s0, s1, s2, s3]), Ip::v4([d0, d1, d2, d3]));
        let id = u16::from_be_bytes([i0, i1]);
        self.network =
            Some(Network { source, destination, ttl, id, bytes: total as u32, cut_bytes: cut_bytes as u32 });
        let fragment = u16::from_be_bytes([f0, f1]);
        if fragment & 0x3fff != 0 {
            let key = FragmentKey { source, destination, id: u32::from(id), protocol };
            return self.fragment(key, usize::from(fragment & 0x1fff) * 8, fragment & 0x2000 != 0, protocol);
        }
        Ok(Next::IpProtocol(protocol))
    }

    pub(super) fn ipv6(&mut self) -> Result<Next, UnparsedReason> {
        let head = self.header::<40>()?;
        let [vi, _, _, _, l0, l1, next, ttl, ..] = head;
        if vi >> 4 != 6 {
            return Err(UnparsedReason::Malformed);
        }
        let addresses =
            head.last_chunk::<32>().and_then(|a| Some((a.first_chunk::<16>()?, a.last_chunk::<16>()?)));
        let Some((source, destination)) = addresses else { return Err(UnparsedReason::Truncated) };
        let body_bytes = match usize::from(u16::from_be_bytes([l0, l1])) {
            // A jumbogram (RFC 2675) or segmentation offload.
            0 => self.rest.len(),
            bytes => bytes,
        };
        let cut_bytes = match self.rest.get(..body_bytes) {
            Some(body) => {
                self.rest = body;
                0
            }
            None => body_bytes - self.rest.len(),
        };
        self.network = Some(Network {
            source: Ip::v6(*source),
            destination: Ip::v6(*destination),
            ttl,
            id: 0,
            bytes: body_bytes as u32 + 40,
            cut_bytes: cut_bytes as u32,
        });
        Ok(Next::IpProtocol(next))
    }

    /// IPv6 extension headers (RFC 8200 §4); IPv4 may carry the authentication header too (RFC 4302).
    pub(super) fn extension(&mut self, number: u8) -> Result<Next, UnparsedReason> {
        match number {
            44 => self.ipv6_fragment(),
            // No next header.
            59 => self.transport_other(59),
            51 => {
                let [next, words, ..] = self.header::<8>()?;
                self.skip((usize::from(words) + 2) * 4 - 8)?;
                Ok(Next::IpProtocol(next))
            }
            // Hop-by-hop, routing, destination options, mobility, HIP, shim6.
            _ => {
                let [next, units, ..] = self.header::<8>()?;
                self.skip(usize::from(units) * 8)?;
                Ok(Next::IpProtocol(next))
            }
        }
    }

    fn ipv6_fragment(&mut self) -> Result<Next, UnparsedReason> {
        let [next, _, o0, o1, a, b, c, d] = self.header::<8>()?;
        let offset = u16::from_be_bytes([o0, o1]);
        // An atomic fragment (RFC 6946) is whole.
        if offset & 0xfff9 == 0 {
            return Ok(Next::IpProtocol(next));
        }
        let network = self.network.ok_or(UnparsedReason::Malformed)?;
        let id = u32::from_be_bytes([a, b, c, d]);
        let key =
            FragmentKey { source: network.source, destination: network.destination, id, protocol: next };
        self.fragment(key, usize::from(offset & 0xfff8), offset & 1 != 0, next)
    }

    fn fragment(
        &mut self,
        key: FragmentKey,
        offset: usize,
        more: bool,
        protocol: u8,
    ) -> Result<Next, UnparsedReason> {
        let network = self.network.as_mut().ok_or(UnparsedReason::Malformed)?;
        if network.cut_bytes > 0 {
            return Err(UnparsedReason::Truncated);
        }
        // One level of fragments per frame: a fragment inside a put-together datagram has no buffer left.
        let Some(whole) = self.scratch.take() else { return Err(UnparsedReason::TooDeep) };
        match self.fragments.add(key, Piece { offset, more, bytes: self.rest }, self.now, whole)? {
            true => {
                network.bytes = network.bytes.max(whole.len() as u32);
                self.rest = whole;
                Ok(Next::IpProtocol(protocol))
            }
            false => {
                self.content = Some(Content::FragmentHeld);
                Ok(Next::Done)
            }
        }
    }
}
