//! The few pcapng options that matter for time and loss (clause 3.5: type, length, value, padding to 32 bits).
//! Everything else, comments and names above all, is stepped over unread.

use super::super::byteorder::ByteOrder;

/// Options of one block that are looked at.
const OPTIONS_MAX: usize = 64;

const END_OF_OPTIONS: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const EPB_DROPCOUNT: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// What writers put where they do not know a number.
const UNKNOWN: u64 = u64::MAX;

/// `if_tsresol` of an interface description.
pub(super) fn resolution(order: ByteOrder, options: &[u8]) -> Option<u8> {
    find(order, options, IF_TSRESOL)?.first().copied()
}

/// `if_tsoffset` of an interface description, in seconds.
pub(super) fn offset_s(order: ByteOrder, options: &[u8]) -> Option<i64> {
    order.u64(find(order, options, IF_TSOFFSET)?, 0).map(u64::cast_signed)
}

/// `epb_dropcount` of a packet: lost since the packet before on the same interface.
#[inline]
pub(super) fn lost_since_last(order: ByteOrder, options: &[u8]) -> u64 {
    if options.is_empty() {
        return 0;
    }
    number(order, options, EPB_DROPCOUNT).unwrap_or_default()
}

/// Lost since the start by an interface statistics block: by the interface and by the system, where either is told.
pub(super) fn lost_total(order: ByteOrder, options: &[u8]) -> Option<u64> {
    let (interface, system) = (number(order, options, ISB_IFDROP), number(order, options, ISB_OSDROP));
    interface.or(system)?;
    Some(interface.unwrap_or_default().saturating_add(system.unwrap_or_default()))
}

fn number(order: ByteOrder, options: &[u8], code: u16) -> Option<u64> {
    order.u64(find(order, options, code)?, 0).filter(|&number| number != UNKNOWN)
}

/// The value of the first option with this code.
fn find(order: ByteOrder, mut options: &[u8], wanted: u16) -> Option<&[u8]> {
    for _ in 0..OPTIONS_MAX {
        let (code, length) = (order.u16(options, 0)?, usize::from(order.u16(options, 2)?));
        let value = options.get(4..)?.get(..length)?;
        match code {
            END_OF_OPTIONS => return None,
            code if code == wanted => return Some(value),
            _ => options = options.get(4 + length.next_multiple_of(4)..)?,
        }
    }
    None
}
