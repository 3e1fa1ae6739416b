//! The devices in columns: what a list goes through instead of a hundred thousand entries all over the memory.
//!
//! INVARIANT: a place of a device has the same codes, numbers and text as its entry; a place without one has code 0 and no text.

use super::column::{Column, Number};
use super::entry::Entry;
use super::facet::Facet;
use super::order::{Dictionary, NOTHING, Word, Words};
use super::search::{self, BLOCK, Block};
use model::{DeviceId, Timestamp};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The values of a facet.
#[derive(Debug, Default)]
pub(super) struct FacetColumn {
    pub(super) codes: Vec<u32>,
    pub(super) dictionary: Dictionary<Words>,
    /// The words of each code.
    pub(super) values: Vec<Arc<[SmolStr]>>,
}

/// The words of a column of free text, or the addresses.
#[derive(Debug)]
pub(super) struct Coded<K> {
    pub(super) codes: Vec<u32>,
    pub(super) dictionary: Dictionary<K>,
}

impl<K> Default for Coded<K> {
    fn default() -> Self {
        Self { codes: Vec::new(), dictionary: Dictionary::default() }
    }
}

/// All devices.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) places: BTreeMap<DeviceId, u32>,
    pub(super) entries: Vec<Option<Arc<Entry>>>,
    free: Vec<u32>,
    /// Which places have a device, by block.
    pub(super) live: Vec<u64>,
    pub(super) blocks: Vec<Block>,
    pub(super) ids: Vec<u64>,
    facets: BTreeMap<Facet, FacetColumn>,
    texts: [Coded<Word>; Column::TEXTS.len()],
    pub(super) ips: Coded<IpAddr>,
    macs: Vec<u64>,
    findings: Vec<u64>,
    first_seen: Vec<u64>,
    last_seen: Vec<u64>,
}

impl Rows {
    /// The device is so.
    pub(super) fn put(&mut self, entry: Box<Entry>) {
        let place = self.places.get(&entry.id).copied().unwrap_or_else(|| self.new_place(entry.id));
        let entry: Arc<Entry> = Arc::from(entry);
        let known = self.entries.get_mut(place as usize).and_then(|held| held.replace(Arc::clone(&entry)));
        self.write(place as usize, known.as_deref(), Some(&entry));
    }

    /// The device is gone.
    pub(super) fn remove(&mut self, device: DeviceId) {
        let Some(place) = self.places.remove(&device) else { return };
        let known = self.entries.get_mut(place as usize).and_then(Option::take);
        self.write(place as usize, known.as_deref(), None);
        self.free.push(place);
    }

    /// A frame of it was seen.
    pub(super) fn seen(&mut self, device: DeviceId, at: Timestamp) {
        let Some(place) = self.places.get(&device).map(|place| *place as usize) else { return };
        if let Some(Some(entry)) = self.entries.get_mut(place) {
            Arc::make_mut(entry).last_seen = at;
        }
        set(&mut self.last_seen, place, at.as_nanos());
    }

    /// The device at a place.
    pub(super) fn entry(&self, place: usize) -> Option<&Arc<Entry>> {
        self.entries.get(place).and_then(Option::as_ref)
    }

    /// The column of a facet that does not depend on the clock.
    pub(super) fn facet(&self, facet: Facet) -> Option<&FacetColumn> {
        self.facets.get(&facet)
    }

    /// The column of free text at that place among [`Column::TEXTS`].
    pub(super) fn text(&self, place: usize) -> Option<&Coded<Word>> {
        self.texts.get(place)
    }

    /// A number of each row.
    pub(super) fn numbers(&self, number: Number) -> &[u64] {
        match number {
            Number::Mac => &self.macs,
            Number::Findings => &self.findings,
            Number::FirstSeen => &self.first_seen,
            Number::LastSeen => &self.last_seen,
        }
    }

    fn new_place(&mut self, device: DeviceId) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.ids.push(0);
            if self.entries.len() > self.live.len() * BLOCK {
                self.live.push(0);
                self.blocks.push(Block::default());
            }
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        set(&mut self.ids, place as usize, device.0);
        self.places.insert(device, place);
        place
    }

    fn write(&mut self, place: usize, known: Option<&Entry>, entry: Option<&Entry>) {
        if let Some(live) = self.live.get_mut(place / BLOCK) {
            let bit = 1_u64 << (place % BLOCK);
            *live = if entry.is_some() { *live | bit } else { *live & !bit };
        }
        for facet in Facet::ALL.into_iter().filter(|facet| !facet.is_of_time()) {
            self.facets.entry(facet).or_default().write(facet, place, known, entry);
        }
        for (column, held) in Column::TEXTS.into_iter().zip(&mut self.texts) {
            let key = |entry: &Entry| column.text(entry).map(|text| Word(text.clone()));
            held.write(place, known.and_then(key), entry.and_then(key));
        }
        let ip = |entry: &Entry| entry.ips.first().copied();
        self.ips.write(place, known.and_then(ip), entry.and_then(ip));
        let number = |number: Number| entry.map_or(0, |entry| number.of(entry));
        set(&mut self.macs, place, number(Number::Mac));
        set(&mut self.findings, place, number(Number::Findings));
        set(&mut self.first_seen, place, number(Number::FirstSeen));
        set(&mut self.last_seen, place, number(Number::LastSeen));
        let is_same = matches!((known, entry), (Some(known), Some(entry)) if search::is_same(known, entry));
        if !is_same && let Some(block) = self.blocks.get_mut(place / BLOCK) {
            block.put(place % BLOCK, entry);
        }
    }

    /// Bytes of all this, about.
    pub(super) fn bytes(&self) -> usize {
        let entries: usize = self.entries.iter().flatten().map(|entry| bytes_of(entry)).sum();
        let facets: usize = self.facets.values().map(FacetColumn::bytes).sum();
        let texts: usize =
            self.texts.iter().map(|text| text.codes.capacity() * 4 + text.dictionary.bytes()).sum();
        let blocks: usize = self.blocks.iter().map(Block::bytes).sum();
        let numbers = [&self.ids, &self.macs, &self.findings, &self.first_seen, &self.last_seen];
        let numbers: usize = numbers.into_iter().map(|numbers| numbers.capacity() * 8).sum();
        let places = self.places.len() * 20 + self.entries.capacity() * 8 + self.live.capacity() * 8;
        let ips = self.ips.codes.capacity() * 4 + self.ips.dictionary.bytes();
        entries + facets + texts + blocks + numbers + places + ips
    }
}

impl FacetColumn {
    fn write(&mut self, facet: Facet, place: usize, known: Option<&Entry>, entry: Option<&Entry>) {
        if let (Some(known), Some(entry)) = (known, entry)
            && facet.is_same(known, entry)
        {
            return;
        }
        // Taken before released: a value that stays keeps its code.
        let mut code = NOTHING;
        if let Some(words) = entry.map(|entry| facet.of(entry)).filter(|words| !words.is_empty()) {
            let words = Words(words.into());
            code = self.dictionary.take(&words);
            let blank: Arc<[SmolStr]> = Arc::from([]);
            while self.values.len() <= code as usize {
                self.values.push(Arc::clone(&blank));
            }
            if let Some(value) = self.values.get_mut(code as usize).filter(|value| value.is_empty()) {
                *value = words.0;
            }
        }
        if let Some(words) = known.map(|known| facet.of(known)).filter(|words| !words.is_empty())
            && let Some(freed) = self.dictionary.release(&Words(words.into()))
            && let Some(value) = self.values.get_mut(freed as usize)
        {
            *value = Arc::from([]);
        }
        set(&mut self.codes, place, code);
    }

    fn bytes(&self) -> usize {
        let words = |value: &Arc<[SmolStr]>| 16 + value.iter().map(|word| 24 + heap(word)).sum::<usize>();
        self.codes.capacity() * 4 + self.dictionary.bytes() + self.values.iter().map(words).sum::<usize>()
    }
}

impl<K: Ord + Clone> Coded<K> {
    fn write(&mut self, place: usize, known: Option<K>, key: Option<K>) {
        if known == key && self.codes.len() > place {
            return;
        }
        let code = key.map_or(NOTHING, |key| self.dictionary.take(&key));
        if let Some(known) = known {
            self.dictionary.release(&known);
        }
        set(&mut self.codes, place, code);
    }
}

/// Sets a value, with blanks up to it.
fn set<T: Copy + Default>(values: &mut Vec<T>, place: usize, value: T) {
    if values.len() <= place {
        values.resize(place + 1, T::default());
    }
    if let Some(held) = values.get_mut(place) {
        *held = value;
    }
}

fn heap(text: &SmolStr) -> usize {
    if text.is_heap_allocated() { text.len() + 16 } else { 0 }
}

/// Bytes of an entry with all that it points to, about.
fn bytes_of(entry: &Entry) -> usize {
    let texts = Column::TEXTS.into_iter().filter_map(|column| column.text(entry));
    let others = [&entry.vendor, &entry.manufacturer, &entry.kind, &entry.class, &entry.zone];
    let words = texts.chain(others.into_iter().flatten()).chain(&entry.tags).chain([&entry.key]);
    let lists = entry.macs.capacity() * 6
        + entry.ips.capacity() * size_of::<IpAddr>()
        + entry.vlans.capacity() * 2
        + entry.protocols.capacity() * size_of::<model::Protocol>()
        + entry.tags.capacity() * size_of::<SmolStr>();
    let conflict = |conflict: &model::Conflict| {
        size_of::<model::Conflict>()
            + heap(&conflict.chosen)
            + heap(&conflict.reason)
            + conflict.others.iter().map(|other| size_of::<SmolStr>() + heap(other)).sum::<usize>()
    };
    // Two counters before each entry.
    16 + size_of::<Entry>()
        + lists
        + words.map(heap).sum::<usize>()
        + entry.conflicts.iter().map(conflict).sum::<usize>()
}
