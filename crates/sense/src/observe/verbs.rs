//! Counts of messages by verb within one conversation, handed to the Activities once a minute.

use super::Side;
use smol_str::SmolStr;

/// Distinct verbs counted apart in one conversation; further ones are counted as `OTHER`.
const VERBS_MAX: usize = 32;

/// Messages of one conversation by verb and sender since the last hand-over.
#[derive(Debug, Default)]
pub struct VerbCounts(Vec<VerbCount>);

#[derive(Debug)]
pub(crate) struct VerbCount {
    pub(crate) verb: SmolStr,
    pub(crate) side: Side,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl VerbCounts {
    /// Counts one message.
    pub fn add(&mut self, verb: &str, side: Side, bytes: u64) {
        self.add_amount(verb, side, 1, bytes);
    }

    /// Adds bytes to a message that was counted before.
    pub fn add_bytes(&mut self, verb: &str, side: Side, bytes: u64) {
        self.add_amount(verb, side, 0, bytes);
    }

    fn add_amount(&mut self, verb: &str, side: Side, count: u64, bytes: u64) {
        if let Some(entry) = self.0.iter_mut().find(|e| e.side == side && e.verb == verb) {
            entry.count += count;
            entry.bytes += bytes;
            return;
        }
        let verb = if self.0.len() < VERBS_MAX { SmolStr::new(verb) } else { SmolStr::new_static("OTHER") };
        match self.0.iter_mut().find(|e| e.side == side && e.verb == verb) {
            Some(entry) => {
                entry.count += count;
                entry.bytes += bytes;
            }
            None => self.0.push(VerbCount { verb, side, count, bytes }),
        }
    }

    /// The counts, in the order the verbs were first used; `self` starts anew.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = VerbCount> + '_ {
        self.0.drain(..)
    }

    /// How often each verb was counted: for tests of observers.
    pub fn counts(&self) -> Vec<(&str, Side, u64)> {
        self.0.iter().map(|e| (e.verb.as_str(), e.side, e.count)).collect()
    }
}
