//! Tunnels of mirror ports and hospitals: GRE with ERSPAN, VXLAN, GENEVE, Teredo, IP in IP.

use super::{Next, Walk};
use model::UnparsedReason;

impl Walk<'_, '_> {
    /// IP in IP (RFC 2003) and IPv6 in IPv4 (RFC 4213).
    pub(super) fn inner_ip(&mut self, next: Next) -> Result<Next, UnparsedReason> {
        self.enter_tunnel();
        Ok(next)
    }

    /// GRE (RFC 2784, RFC 2890); version 1 (PPTP, RFC 2637) is counted but not followed.
    pub(super) fn gre(&mut self) -> Result<Next, UnparsedReason> {
        let Some(([flags, version, p0, p1], _)) = self.rest.split_first_chunk::<4>() else {
            return Err(UnparsedReason::Truncated);
        };
        let (flags, protocol) = (*flags, u16::from_be_bytes([*p0, *p1]));
        // Routing (bit 1) was withdrawn by RFC 2784 and cannot be skipped safely.
        if version & 7 != 0 || flags & 0x40 != 0 {
            return self.transport_other(47);
        }
        let has_sequence = flags & 0x10 != 0;
        let optional_words = [flags & 0x80 != 0, flags & 0x20 != 0, has_sequence];
        self.skip(4 + 4 * optional_words.into_iter().filter(|present| *present).count())?;
        match protocol {
            0x0800 => self.inner_ip(Next::Ipv4),
            0x86dd => self.inner_ip(Next::Ipv6),
            0x8847 | 0x8848 => self.inner_ip(Next::Mpls),
            0x6558 => self.inner_ethernet(),
            // ERSPAN: type I has no header of its own and no GRE sequence number; II has 8 bytes
            // (draft-foschiano-erspan §4); III has 12, and 8 more when its last bit says so.
            0x88be if has_sequence => self.header::<8>().and_then(|_| self.inner_ethernet()),
            0x88be => self.inner_ethernet(),
            0x22eb => {
                let [.., last] = self.header::<12>()?;
                if last & 1 != 0 {
                    self.header::<8>()?;
                }
                self.inner_ethernet()
            }
            _ => self.transport_other(47),
        }
    }

    /// A tunnel over UDP, when both port and content say so.
    #[inline]
    pub(super) fn udp_tunnel(
        &mut self,
        source_port: u16,
        destination_port: u16,
    ) -> Option<Result<Next, UnparsedReason>> {
        match destination_port {
            4789 | 8472 => self.vxlan(),
            6081 => self.geneve(),
            3544 => self.teredo(),
            _ if source_port == 3544 => self.teredo(),
            _ => None,
        }
    }

    /// VXLAN (RFC 7348 §5): flags 0x08, reserved bits zero.
    fn vxlan(&mut self) -> Option<Result<Next, UnparsedReason>> {
        let ([0x08, 0, 0, 0, _, _, _, 0], inner) = self.rest.split_first_chunk::<8>()? else { return None };
        self.rest = inner;
        Some(self.inner_ethernet())
    }

    /// GENEVE (RFC 8926 §3.4): version 0, options in words.
    fn geneve(&mut self) -> Option<Result<Next, UnparsedReason>> {
        let ([words, flags, p0, p1, _, _, _, 0], inner) = self.rest.split_first_chunk::<8>()? else {
            return None;
        };
        if words >> 6 != 0 || flags & 0x3f != 0 {
            return None;
        }
        let inner = inner.get(usize::from(words & 0x3f) * 4..)?;
        let next = match u16::from_be_bytes([*p0, *p1]) {
            0x6558 => {
                self.rest = inner;
                return Some(self.inner_ethernet());
            }
            0x0800 => Next::Ipv4,
            0x86dd => Next::Ipv6,
            _ => return None,
        };
        self.rest = inner;
        Some(self.inner_ip(next))
    }

    /// Teredo (RFC 4380 §5.1.1): optional authentication and origin indications, then IPv6.
    fn teredo(&mut self) -> Option<Result<Next, UnparsedReason>> {
        let mut inner = self.rest;
        if let Some(([0, 1, id_bytes, auth_bytes], rest)) = inner.split_first_chunk::<4>() {
            inner = rest.get(usize::from(*id_bytes) + usize::from(*auth_bytes) + 9..)?;
        }
        if let Some(([0, 0, _, _, _, _, _, _], rest)) = inner.split_first_chunk::<8>() {
            inner = rest;
        }
        let ([version, _, _, _, l0, l1, _, _], _) = inner.split_first_chunk::<8>()?;
        let whole = usize::from(u16::from_be_bytes([*l0, *l1])) + 40;
        if version >> 4 != 6 || inner.len() != whole {
            return None;
        }
        self.rest = inner;
        Some(self.inner_ip(Next::Ipv6))
    }
}
