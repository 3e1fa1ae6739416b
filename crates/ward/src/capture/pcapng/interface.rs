//! One interface of a pcapng section: its link type, its clock, and how many frames it says it lost.

use model::Timestamp;
use sense::LinkType;

use super::super::byteorder::ByteOrder;
use super::{link_type, options};

const NS_PER_S: u64 = 1_000_000_000;

/// What later blocks of the section refer to by number.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) link: LinkType,
    pub(super) snaplen: u32,
    clock: Clock,
    /// Added to every time, in seconds (if_tsoffset).
    offset_s: i64,
    /// Lost frames by the statistics blocks (totals) and by the packets (differences): two accounts of the same loss.
    lost_total: u64,
    lost_summed: u64,
}

/// How a tick becomes nanoseconds (if_tsresol).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// A tick is so many nanoseconds.
    Coarse(u64),
    /// So many ticks are a nanosecond.
    Fine(u64),
    /// A tick is 2⁻ⁿ seconds.
    Binary(u8),
}

impl Clock {
    /// Microseconds, when the interface does not say.
    const DEFAULT: Self = Self::Coarse(1000);

    /// From the option's one byte: the high bit chooses powers of 2 over powers of 10.
    pub(super) fn from_resolution(resolution: u8) -> Self {
        let exponent = u32::from(resolution & 0x7F);
        match (resolution & 0x80, exponent) {
            (0, 0..=9) => Self::Coarse(10_u64.pow(9 - exponent)),
            // Finer than 2⁻⁶⁴ s can be told apart in no way: time stands still at 0.
            (0, _) => Self::Fine(10_u64.checked_pow(exponent - 9).unwrap_or(u64::MAX)),
            _ => Self::Binary(exponent as u8),
        }
    }

    /// Nanoseconds in so many ticks; saturates.
    pub(super) fn nanos(self, ticks: u64) -> u64 {
        match self {
            Self::Coarse(ns) => ticks.saturating_mul(ns),
            Self::Fine(per_ns) => ticks / per_ns,
            Self::Binary(exponent) => {
                // 64 + 30 bits fit 128; an exponent of up to 127 shifts within them.
                let nanos = (u128::from(ticks) * u128::from(NS_PER_S)) >> exponent;
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        }
    }
}

impl Interface {
    /// From the body of an interface description block, trailer left out.
    pub(super) fn read(order: ByteOrder, body: &[u8]) -> Self {
        let options = body.get(16..).unwrap_or_default();
        Self {
            link: link_type(order, body),
            snaplen: order.u32(body, 12).unwrap_or_default(),
            clock: options::resolution(order, options).map_or(Clock::DEFAULT, Clock::from_resolution),
            offset_s: options::offset_s(order, options).unwrap_or_default(),
            lost_total: 0,
            lost_summed: 0,
        }
    }

    /// The instant of a tick count.
    #[inline]
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let nanos = self.clock.nanos(ticks);
        if self.offset_s == 0 {
            return Timestamp::from_nanos(nanos);
        }
        let offset = self.offset_s.unsigned_abs().saturating_mul(NS_PER_S);
        Timestamp::from_nanos(match self.offset_s < 0 {
            true => nanos.saturating_sub(offset),
            false => nanos.saturating_add(offset),
        })
    }

    /// A statistics block says so many were lost in all; returns how many of them are news.
    pub(super) fn lost_total(&mut self, total: u64) -> u64 {
        let before = self.lost();
        self.lost_total = self.lost_total.max(total);
        self.lost() - before
    }

    /// A packet says so many were lost before it; returns how many of them are news.
    pub(super) fn lost_more(&mut self, more: u64) -> u64 {
        let before = self.lost();
        self.lost_summed = self.lost_summed.saturating_add(more);
        self.lost() - before
    }

    fn lost(&self) -> u64 {
        self.lost_total.max(self.lost_summed)
    }
}
