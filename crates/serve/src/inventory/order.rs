//! How words are put in order, and dictionaries that know the place of each word: rows are sorted and filtered by small numbers.
//!
//! It must not keep what no row uses any more: words come from the network, and their number is bounded by that of devices.

use smol_str::SmolStr;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Bytes;
use std::sync::{Arc, OnceLock};

/// As people sort: letters without their case, numbers by value (`bed 2` before `bed 10`). Equal only where the text is the same.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.bytes().peekable(), b.bytes().peekable());
    loop {
        let order = match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return a.cmp(b),
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => numbers(&mut left, &mut right),
            (Some(x), Some(y)) => {
                left.next();
                right.next();
                x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase())
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Two runs of digits by value, however long.
fn numbers(left: &mut Peekable<Bytes<'_>>, right: &mut Peekable<Bytes<'_>>) -> Ordering {
    while left.next_if_eq(&b'0').is_some() {}
    while right.next_if_eq(&b'0').is_some() {}
    let mut order = Ordering::Equal;
    loop {
        match (left.next_if(u8::is_ascii_digit), right.next_if(u8::is_ascii_digit)) {
            (None, None) => return order,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => order = order.then(x.cmp(&y)),
        }
    }
}

/// A word in its natural order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) SmolStr);

impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        natural(&self.0, &other.0)
    }
}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Some words, compared one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(pub(super) Arc<[SmolStr]>);

impl Ord for Words {
    fn cmp(&self, other: &Self) -> Ordering {
        let both = self.0.iter().zip(other.0.iter());
        let differing = both.map(|(a, b)| natural(a, b)).find(|order| order.is_ne());
        differing.unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }
}

impl PartialOrd for Words {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The code of "nothing": no key has it.
pub(super) const NOTHING: u32 = 0;

/// Keys that rows use, each with a code that stays while it is used, and its place in the order of all.
#[derive(Debug)]
pub(super) struct Dictionary<K> {
    codes: BTreeMap<K, u32>,
    /// Rows that use a code, by code.
    uses: Vec<u32>,
    free: Vec<u32>,
    /// Places by code, from 1 on; made when first asked for after a key came.
    places: OnceLock<Box<[u32]>>,
}

impl<K> Default for Dictionary<K> {
    fn default() -> Self {
        Self { codes: BTreeMap::new(), uses: vec![0], free: Vec::new(), places: OnceLock::new() }
    }
}

impl<K: Ord + Clone> Dictionary<K> {
    /// One more row uses `key`.
    pub(super) fn take(&mut self, key: &K) -> u32 {
        if let Some(code) = self.codes.get(key).copied() {
            if let Some(uses) = self.uses.get_mut(code as usize) {
                *uses += 1;
            }
            return code;
        }
        self.places.take();
        let code = self.free.pop().unwrap_or_else(|| {
            self.uses.push(0);
            u32::try_from(self.uses.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(uses) = self.uses.get_mut(code as usize) {
            *uses = 1;
        }
        self.codes.insert(key.clone(), code);
        code
    }

    /// One row less uses `key`; the code that is free now, if none does.
    pub(super) fn release(&mut self, key: &K) -> Option<u32> {
        let code = self.codes.get(key).copied()?;
        let uses = self.uses.get_mut(code as usize)?;
        *uses = uses.saturating_sub(1);
        if *uses > 0 {
            return None;
        }
        self.codes.remove(key);
        self.free.push(code);
        Some(code)
    }

    /// The place of each code among all, from 1 on. "Nothing" and codes without a key are at 0.
    pub(super) fn places(&self) -> &[u32] {
        self.places.get_or_init(|| {
            let mut places = vec![0_u32; self.uses.len()];
            for (place, code) in (1..).zip(self.codes.values()) {
                if let Some(slot) = places.get_mut(*code as usize) {
                    *slot = place;
                }
            }
            places.into()
        })
    }

    /// The place of `key`, or, where no row has it, `Err` with the place of the first key after it (one past all if none is).
    pub(super) fn find(&self, key: &K) -> Result<u32, u32> {
        use std::ops::Bound::{Excluded, Unbounded};
        let place = |code: &u32| self.places().get(*code as usize).copied().unwrap_or(0);
        if let Some(code) = self.codes.get(key) {
            return Ok(place(code));
        }
        let next = self.codes.range((Excluded(key), Unbounded)).next();
        Err(next
            .map_or_else(|| u32::try_from(self.codes.len() + 1).unwrap_or(u32::MAX), |(_, code)| place(code)))
    }

    /// Codes that there may be.
    pub(super) fn codes(&self) -> usize {
        self.uses.len()
    }

    /// Bytes, about, without what keys point to.
    pub(super) fn bytes(&self) -> usize {
        // A B-tree is two thirds full, and has inner nodes.
        let per_key = (size_of::<K>() + size_of::<u32>()) * 3 / 2 + 2;
        self.codes.len() * per_key + self.uses.len() * 2 * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_the_order_of_people() {
        let mut words = ["Bed 10", "bed 2", "", "bed", "Bed 02", "ünit", "bed 2a", "Bed 2", "10", "9"];
        words.sort_by(|a, b| natural(a, b));
        assert_eq!(words, ["", "9", "10", "bed", "Bed 02", "Bed 2", "bed 2", "bed 2a", "Bed 10", "ünit"]);
        assert_eq!(natural("99999999999999999999998", "99999999999999999999999"), Ordering::Less);
    }

    #[test]
    fn a_dictionary_forgets_what_nobody_uses() {
        let (mut words, word) = (Dictionary::default(), |text: &str| Word(text.into()));
        let b = words.take(&word("b"));
        let a = words.take(&word("a"));
        assert_eq!(words.take(&word("b")), b);
        let places = words.places();
        assert_eq!((places[a as usize], places[b as usize], places[NOTHING as usize]), (1, 2, 0));
        assert_eq!(
            (words.find(&word("aa")), words.find(&word("B")), words.find(&word("c"))),
            (Err(2), Err(2), Err(3))
        );
        assert_eq!((words.release(&word("b")), words.release(&word("b"))), (None, Some(b)));
        assert_eq!(words.take(&word("c")), b, "its code is given again");
        assert_eq!(words.find(&word("c")), Ok(2));
    }
}
