//! A count of bytes in 16 bits: exact below 1,024, else to one part in a thousand. A million pairs with a day of hours each
//! must fit into memory; a picture needs no more digits.

/// A count, roughly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rough(u16);

/// Bits of the digits.
const DIGITS: u32 = 10;

impl Rough {
    pub(super) fn of(count: u64) -> Self {
        let shift = (u64::BITS - count.leading_zeros()).saturating_sub(DIGITS + 1);
        if count < 1 << DIGITS {
            return Self(u16::try_from(count).unwrap_or(0));
        }
        let digits = (count >> shift) & ((1 << DIGITS) - 1);
        let code = (u64::from(shift) + 1) << DIGITS | digits;
        Self(u16::try_from(code).unwrap_or(u16::MAX))
    }

    pub(super) fn count(self) -> u64 {
        let (power, digits) = (self.0 >> DIGITS, u64::from(self.0) & ((1 << DIGITS) - 1));
        if power == 0 { digits } else { (digits | 1 << DIGITS) << u32::from(power - 1).min(53) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_to_one_part_in_a_thousand() {
        for count in
            (0..3_000).chain((11..64).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 77]))
        {
            let back = Rough::of(count).count();
            assert!(back <= count && count - back <= count / 1_000, "{count} came back as {back}");
        }
        assert!(Rough::of(u64::MAX).count() > u64::MAX / 1_001 * 1_000);
    }
}
