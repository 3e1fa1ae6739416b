//! What people say of devices, in memory.

use super::Due;
use model::DeviceId;
use std::collections::BTreeMap;
use store::word::{Said, Word};

/// Open words by device, as they were said of it: not of the one it turned out to be.
#[derive(Default)]
pub(super) struct Words {
    open: BTreeMap<DeviceId, Vec<Word>>,
}

impl Words {
    /// Takes in a word as it is read at the start.
    pub(super) fn load(&mut self, word: Word) {
        self.open.entry(word.device).or_default().push(word);
    }

    /// Takes over what is said of one device now.
    pub(super) fn replace(&mut self, device: DeviceId, words: Vec<Word>) {
        if words.is_empty() {
            self.open.remove(&device);
        } else {
            self.open.insert(device, words);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// What is said of any of `devices`, as of one.
    pub(super) fn said(&self, devices: &Due) -> Said {
        Said::of(devices.iter().filter_map(|device| self.open.get(device)).flatten())
    }
}
