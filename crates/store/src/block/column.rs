//! A column of numbers: each minus the least of them (or as it is, signs folded), in as many bits as most of them need; the
//! few that need more are listed behind ("patched frame of reference", Zukowski et al., ICDE 2006, in our own layout).
//!
//! Layout: a head byte (bits 0–5 the width in bits, 0x40 signs folded and no least number, 0x80 a list follows), the least
//! number (zigzag LEB128), the values at that width from the lowest bit up, the list (count; then for each the step from the
//! place behind the one before, and the bits above the width). An empty column has no bytes.

use super::BlockError;
use super::bytes::{Bytes, put_varint, unzigzag, zigzag};

/// Bits of the head byte that hold the width: 0 to 63.
const WIDTH: u8 = 0x3f;
/// Values are zigzag numbers, not distances from a least one.
const FOLDED: u8 = 0x40;
/// A list of what is wider follows.
const LISTED: u8 = 0x80;

/// What a time may be a multiple of, in nanoseconds: captures of microseconds need not pay for nanoseconds.
const UNITS: [i64; 4] = [1, 1_000, 1_000_000, 1_000_000_000];

/// How a column is to be written.
struct Plan {
    /// `None`: signs folded.
    least: Option<i64>,
    width: u32,
    /// About how long it will be.
    bits: u64,
    is_listed: bool,
}

/// How many values need how many bits.
struct Widths([u32; 65]);

impl Widths {
    fn count(&mut self, value: u64) {
        if let Some(count) = self.0.get_mut((64 - value.leading_zeros()) as usize) {
            *count += 1;
        }
    }

    /// The width that takes the fewest bits in all, these bits, and whether some values are wider.
    fn best(&self, values: usize) -> (u32, u64, bool) {
        let widest = self.0.iter().rposition(|count| *count > 0).unwrap_or(0);
        let mut best = (63, u64::MAX, true);
        let (mut wider, mut wider_bits) = (0u64, 0u64);
        for (width, count) in self.0.iter().enumerate().rev().skip(64 - widest) {
            let width = width as u64;
            // A listed value takes a byte for its place and seven of eight bits for what is above the width.
            let listed = 16 * wider + (wider_bits - wider * width) * 8 / 7;
            let bits = values as u64 * width + listed;
            if width < 64 && bits < best.1 {
                best = (width as u32, bits, wider > 0);
            }
            wider += u64::from(*count);
            wider_bits += u64::from(*count) * width;
        }
        best
    }
}

impl Plan {
    fn of(values: &[i64]) -> Self {
        let least = values.iter().copied().min().unwrap_or(0);
        let most = values.iter().copied().max().unwrap_or(0);
        if least == most {
            let least = (least != 0).then_some(least);
            return Self { least, width: 0, bits: 8, is_listed: false };
        }
        let mut widths = Widths([0; 65]);
        values.iter().for_each(|value| widths.count(distance(*value, least)));
        let (width, bits, is_listed) = widths.best(values.len());
        let far = Self { least: Some(least), width, bits, is_listed };
        if least >= 0 {
            return far;
        }
        let mut widths = Widths([0; 65]);
        values.iter().for_each(|value| widths.count(zigzag(*value)));
        let (width, bits, is_listed) = widths.best(values.len());
        if bits < far.bits { Self { least: None, width, bits, is_listed } } else { far }
    }

    fn put(&self, out: &mut Vec<u8>, values: &[i64]) {
        let folded = if self.least.is_none() { FOLDED } else { 0 };
        let listed = if self.is_listed { LISTED } else { 0 };
        out.push(self.width as u8 | folded | listed);
        match self.least {
            Some(least) => {
                put_varint(out, zigzag(least));
                put_packed(out, values, self.width, |value| distance(value, least));
                if self.is_listed {
                    put_list(out, values, self.width, |value| distance(value, least));
                }
            }
            None => {
                put_packed(out, values, self.width, zigzag);
                if self.is_listed {
                    put_list(out, values, self.width, zigzag);
                }
            }
        }
    }
}

const fn distance(value: i64, least: i64) -> u64 {
    value.wrapping_sub(least).cast_unsigned()
}

const fn mask(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// Bytes of `count` values at `width` bits.
const fn packed_bytes(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

fn put_packed(out: &mut Vec<u8>, values: &[i64], width: u32, map: impl Fn(i64) -> u64) {
    if width == 0 {
        return;
    }
    let end = out.len() + packed_bytes(values.len(), width);
    out.reserve(packed_bytes(values.len(), width) + size_of::<u64>());
    let (mut word, mut filled, mask) = (0u64, 0u32, mask(width));
    for value in values {
        let value = map(*value) & mask;
        word |= value << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= 64;
            word = value.checked_shr(width - filled).unwrap_or(0);
        }
    }
    out.extend_from_slice(&word.to_le_bytes());
    out.truncate(end);
}

fn put_list(out: &mut Vec<u8>, values: &[i64], width: u32, map: impl Fn(i64) -> u64) {
    let wider =
        || values.iter().map(|value| map(*value) >> width).enumerate().filter(|(_, above)| *above > 0);
    put_varint(out, wider().count() as u64);
    let mut behind = 0;
    for (place, above) in wider() {
        put_varint(out, (place - behind) as u64);
        put_varint(out, above);
        behind = place + 1;
    }
}

/// Appends a column.
pub(super) fn put(out: &mut Vec<u8>, values: &[i64]) {
    if !values.is_empty() {
        Plan::of(values).put(out, values);
    }
}

/// Reads a column of `count` values; the caller has bounded `count`.
pub(super) fn take(bytes: &mut Bytes<'_>, count: usize) -> Result<Vec<i64>, BlockError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let head = bytes.byte()?;
    let width = u32::from(head & WIDTH);
    let least = if head & FOLDED == 0 { Some(unzigzag(bytes.varint()?)) } else { None };
    let mut values = if width == 0 {
        vec![0; count]
    } else {
        take_packed(bytes.take(packed_bytes(count, width))?, count, width)
    };
    if head & LISTED != 0 {
        take_list(bytes, &mut values, width)?;
    }
    match least {
        Some(least) => values.iter_mut().for_each(|value| *value = value.wrapping_add(least)),
        None => values.iter_mut().for_each(|value| *value = unzigzag(value.cast_unsigned())),
    }
    Ok(values)
}

fn take_packed(packed: &[u8], count: usize, width: u32) -> Vec<i64> {
    let (words, tail) = packed.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
    let mut words = words.iter().map(|word| u64::from_le_bytes(*word)).chain([u64::from_le_bytes(last)]);
    let (mut word, mut filled, mask) = (0u64, 0u32, mask(width));
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let value = if filled >= width {
            let value = word & mask;
            word >>= width;
            filled -= width;
            value
        } else {
            let next = words.next().unwrap_or(0);
            let value = (word | next << filled) & mask;
            let used = width - filled;
            word = next >> used;
            filled = 64 - used;
            value
        };
        values.push(value.cast_signed());
    }
    values
}

fn take_list(bytes: &mut Bytes<'_>, values: &mut [i64], width: u32) -> Result<(), BlockError> {
    let count = bytes.count("listed values", values.len())?;
    let mut place = 0usize;
    for _ in 0..count {
        let step = usize::try_from(bytes.varint()?).unwrap_or(usize::MAX);
        let above = bytes.varint()?;
        place = place.saturating_add(step);
        if above == 0 || above.leading_zeros() < width {
            return Err(bytes.malformed("a listed value that does not fit"));
        }
        let value = values.get_mut(place).ok_or(bytes.malformed("a listed value behind the column"))?;
        *value |= (above << width).cast_signed();
        place += 1;
    }
    Ok(())
}

/// Appends times (differences of nanoseconds), at the coarsest unit that all are multiples of; of several ways to tell them the
/// shortest. One byte tells which: bits 0–1 the unit, the others the way.
pub(super) fn put_times<const N: usize>(out: &mut Vec<u8>, mut ways: [Vec<i64>; N]) {
    if ways.iter().any(Vec::is_empty) {
        return;
    }
    let planned = ways.iter_mut().zip(0u8..).map(|(way, number)| {
        let unit = coarsen(way);
        (Plan::of(way), &*way, number << 2 | unit)
    });
    if let Some((plan, way, head)) = planned.min_by_key(|(plan, ..)| plan.bits) {
        out.push(head);
        plan.put(out, way);
    }
}

/// Divides by the coarsest unit that fits; its number.
fn coarsen(values: &mut [i64]) -> u8 {
    let mut unit = 3;
    for value in values.iter() {
        while unit > 0 && UNITS.get(unit).is_some_and(|nanos| value % nanos != 0) {
            unit -= 1;
        }
        if unit == 0 {
            return 0;
        }
    }
    let nanos = UNITS.get(unit).copied().unwrap_or(1);
    values.iter_mut().for_each(|value| *value /= nanos);
    unit as u8
}

/// Reads times: the way in which they are told, below `ways`, and the differences in nanoseconds.
pub(super) fn take_times(
    bytes: &mut Bytes<'_>,
    count: usize,
    ways: u8,
) -> Result<(u8, Vec<i64>), BlockError> {
    if count == 0 {
        return Ok((0, Vec::new()));
    }
    let head = bytes.byte()?;
    if head >> 2 >= ways {
        return Err(bytes.malformed("times told in no way we know"));
    }
    let nanos = UNITS.get(usize::from(head & 3)).copied().unwrap_or(1);
    let mut values = take(bytes, count)?;
    if nanos > 1 {
        values.iter_mut().for_each(|value| *value = value.wrapping_mul(nanos));
    }
    Ok((head >> 2, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(values: &[i64]) -> usize {
        let mut out = Vec::new();
        put(&mut out, values);
        let mut bytes = Bytes::new(&out);
        assert_eq!(take(&mut bytes, values.len()).as_deref(), Ok(values));
        assert_eq!(bytes.left(), 0);
        out.len()
    }

    #[test]
    fn columns_take_the_bytes_that_they_must() {
        assert_eq!(round(&[]), 0);
        assert_eq!(round(&[0; 1000]), 1, "nothing in it");
        assert_eq!(round(&[7; 1000]), 2, "one number");
        assert_eq!(round(&(0..64).collect::<Vec<_>>()), 2 + 48, "six bits each");
        assert_eq!(round(&(1 << 40..(1 << 40) + 64).collect::<Vec<_>>()), 1 + 6 + 48, "and a least number");
        let mut rare = [0; 1000];
        rare[500] = 1 << 20;
        assert_eq!(round(&rare), 2 + 1 + 2 + 3, "one of a thousand is listed");
        assert_eq!(round(&[-1, 0, 1, 0, -1, 0, 1, 0]), 2 + 2, "signs cost nothing");
        round(&[i64::MIN, i64::MAX, 0, -1]);
    }

    proptest! {
        #[test]
        fn every_column_comes_back(
            wide in prop::collection::vec(any::<i64>(), 0..200),
            narrow in prop::collection::vec(-5i64..300, 0..200),
            bits in 0u32..63,
        ) {
            round(&wide);
            round(&narrow);
            round(&[narrow.clone(), wide.clone()].concat());
            let all: Vec<i64> = wide.iter().map(|value| value >> bits).collect();
            round(&all);
        }

        #[test]
        fn times_come_back_at_any_unit(
            values in prop::collection::vec(any::<i32>(), 1..100),
            unit in 0usize..4,
        ) {
            let nanos: Vec<i64> = values.iter().map(|value| i64::from(*value) * UNITS[unit]).collect();
            let mut out = Vec::new();
            put_times(&mut out, [nanos.clone(), vec![i64::MAX; nanos.len()]]);
            let (way, read) = take_times(&mut Bytes::new(&out), nanos.len(), 2).unwrap();
            if way == 0 {
                prop_assert_eq!(read, nanos);
            } else {
                prop_assert_eq!(read, vec![i64::MAX; nanos.len()]);
            }
        }
    }
}
