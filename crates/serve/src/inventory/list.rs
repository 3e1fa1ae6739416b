//! A page of the list: which devices match, how many per value of each facet, and the first few in order, in one go through the
//! columns. Nothing is sorted but the page itself.

use super::Inventory;
use super::column::{Column, Number, Order};
use super::entry::{Entry, Text};
use super::facet::{Facet, UNKNOWN};
use super::order::{NOTHING, Word, Words, natural};
use super::query::{Query, Wrong};
use super::rows::Rows;
use super::search::{BLOCK, Search, bits_of};
use crate::when::Zone;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{DeviceId, Duration, Timestamp};
use smol_str::SmolStr;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Values of a facet that are counted for a list, at most.
pub const FACET_VALUES_MAX: usize = 1_000;
/// Seconds of a day.
const DAY_S: u64 = 86_400;
/// The key of rows without a value: they are last, whichever way.
const LAST: u64 = u64::MAX;

/// A page of devices.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The devices, in order.
    pub entries: Vec<Arc<Entry>>,
    /// The cursor of the next page.
    pub next: Option<String>,
    /// Devices that match, on all pages.
    pub total: usize,
    /// Devices that there are, matching or not.
    pub of: usize,
    /// Counts, where they were asked for: each as if its own facet were no filter.
    pub facets: Vec<FacetCounts>,
    /// What the devices that match are, where counts were asked for.
    pub tally: Tally,
}

/// The counts of a facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCounts {
    /// Which.
    pub facet: Facet,
    /// Its values: those that are fixed in their order, others by count. Chosen ones are there with a count of 0, too.
    pub values: Vec<FacetValue>,
    /// Values beyond [`FACET_VALUES_MAX`].
    pub left_out: usize,
}

/// A value of a facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// As in queries.
    pub value: Text,
    /// Devices that have it.
    pub count: u32,
    /// It is asked for.
    pub chosen: bool,
}

/// What devices are, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// It is known what they are.
    pub known: u32,
    /// Their claims contradict each other.
    pub in_doubt: u32,
    /// It is not known what they are.
    pub unknown: u32,
    /// First seen since the site's midnight.
    pub new_today: u32,
}

impl Inventory {
    /// A page of the devices that match. `now` and `zone` say what "today" is.
    ///
    /// # Errors
    /// [`Wrong`] for a cursor that is not of this list.
    pub fn list(&self, query: &Query, now: Timestamp, zone: &Zone) -> Result<Listed, Wrong> {
        let rows = self.read();
        let pass = Pass::new(&rows, query, now, zone)?;
        let counters = if query.facets { pass.counters() } else { Vec::new() };
        let (mut taken, counted) = pass.go(query.limit.saturating_add(1), counters);
        let next = (taken.len() > query.limit).then(|| {
            taken.truncate(query.limit);
            taken.last().and_then(|last| rows.entry(last.place as usize)).map(|entry| cursor(query, entry))
        });
        let entries = taken.iter().filter_map(|one| rows.entry(one.place as usize).cloned()).collect();
        let facets = counted.counters.into_iter().map(|counter| counter.finish(&rows, query)).collect();
        let (total, of, tally) = (counted.total, rows.places.len(), counted.tally);
        Ok(Listed { entries, next: next.flatten(), total, of, facets, tally })
    }

    /// Every device that matches, in order: for files and for edits of all. The cursor and the limit do not count.
    pub fn matching(&self, query: &Query, now: Timestamp, zone: &Zone) -> Vec<Arc<Entry>> {
        let rows = self.read();
        let Ok(pass) = Pass::new(&rows, &query.from_start(), now, zone) else { return Vec::new() };
        let (taken, _) = pass.go(usize::MAX, Vec::new());
        taken.iter().filter_map(|one| rows.entry(one.place as usize).cloned()).collect()
    }
}

/// A row in order: by key, then by device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    key: u64,
    id: u64,
    place: u32,
}

/// What one go through the columns needs.
struct Pass<'r> {
    rows: &'r Rows,
    search: Search,
    filters: Vec<Filter<'r>>,
    keys: Keys<'r>,
    descending: bool,
    after: Option<(u64, u64)>,
    midnight: u64,
    now: Timestamp,
}

/// What one go gives beside the rows.
#[derive(Default)]
struct Counted {
    counters: Vec<Counter>,
    total: usize,
    tally: Tally,
}

struct Filter<'r> {
    facet: Facet,
    test: Test<'r>,
}

enum Test<'r> {
    /// Whether a code passes.
    Codes(&'r [u32], Vec<bool>),
    /// From, and before: any of them, in nanoseconds.
    Times(&'r [u64], Vec<(u64, u64)>),
}

/// What rows are put in order by.
enum Keys<'r> {
    Codes(&'r [u32], &'r [u32]),
    Numbers(&'r [u64]),
}

impl<'r> Pass<'r> {
    fn new(rows: &'r Rows, query: &Query, now: Timestamp, zone: &Zone) -> Result<Self, Wrong> {
        let midnight = midnight(now, zone);
        let filter = |(facet, values): (&Facet, &_)| Filter {
            facet: *facet,
            test: test(rows, *facet, values, (now, midnight, zone)),
        };
        let keys = keys(rows, query.sort);
        let mut pass = Self {
            rows,
            search: Search::new(&query.q),
            filters: query.filters.iter().map(filter).collect(),
            keys,
            descending: query.descending,
            after: None,
            midnight,
            now,
        };
        pass.after = query.after.as_deref().map(|after| pass.position(query, after)).transpose()?;
        Ok(pass)
    }

    fn counters(&self) -> Vec<Counter> {
        Facet::ALL
            .into_iter()
            .map(|facet| Counter::new(self.rows, facet, (self.now, self.midnight)))
            .collect()
    }

    /// Goes through all rows; the first `most` after the cursor, in order.
    fn go(&self, most: usize, counters: Vec<Counter>) -> (Vec<Placed>, Counted) {
        let mut counted = Counted { counters, ..Counted::default() };
        let mut first: BinaryHeap<Placed> = BinaryHeap::new();
        let state = self.rows.facet(Facet::State);
        let mut masks = vec![0; self.filters.len()];
        for (block, live) in self.rows.live.iter().enumerate() {
            let found = self.found(block, *live);
            if found == 0 {
                continue;
            }
            for (mask, filter) in masks.iter_mut().zip(&self.filters) {
                *mask = filter.test.mask(block);
            }
            let all = masks.iter().fold(found, |all, mask| all & mask);
            counted.total += all.count_ones() as usize;
            if !counted.counters.is_empty() {
                for counter in &mut counted.counters {
                    let others =
                        self.filters.iter().zip(&masks).filter(|(filter, _)| filter.facet != counter.facet);
                    counter.count(self.rows, block, others.fold(found, |mask, (_, other)| mask & other));
                }
                if let Some(state) = state {
                    counted.tally.count(
                        state,
                        self.rows.numbers(Number::FirstSeen),
                        self.midnight,
                        (block, all),
                    );
                }
            }
            self.take(block, all, most, &mut first);
        }
        (first.into_sorted_vec(), counted)
    }

    fn found(&self, block: usize, live: u64) -> u64 {
        if self.search.is_empty() {
            return live;
        }
        let texts = self.rows.blocks.get(block);
        let entry = |place: usize| self.rows.entry(block * BLOCK + place).map(Arc::as_ref);
        texts.map_or(0, |texts| self.search.among(live, texts, entry))
    }

    fn take(&self, block: usize, mask: u64, most: usize, first: &mut BinaryHeap<Placed>) {
        for place in bits_of(mask).map(|bit| block * BLOCK + bit) {
            let key = self.key(self.keys.of(place));
            let id = self.rows.ids.get(place).copied().unwrap_or(0);
            if self.after.is_some_and(|after| (key, id) <= after) {
                continue;
            }
            let placed = Placed { key, id, place: u32::try_from(place).unwrap_or(u32::MAX) };
            if first.len() < most {
                first.push(placed);
            } else if let Some(mut last) = first.peek_mut()
                && placed < *last
            {
                *last = placed;
            }
        }
    }

    /// The key to put in order, of a place or number; 0 is no value.
    fn key(&self, value: u64) -> u64 {
        match value {
            0 => LAST,
            value if self.descending => LAST - 1 - value,
            value => value,
        }
    }

    /// After which key and device a cursor goes on, also where that device or its value is gone.
    fn position(&self, query: &Query, text: &str) -> Result<(u64, u64), Wrong> {
        let (value, device) = read_cursor(query, text)?;
        let Some(value) = value else { return Ok((LAST, device.0)) };
        let wide = |place: Result<u32, u32>| place.map(u64::from).map_err(u64::from);
        let place: Option<Result<u64, u64>> = match query.sort.order() {
            Order::Number(_) => value.first().and_then(|number| number.parse().ok()).map(Ok),
            Order::Text(column) => {
                let word = Word(value.into_iter().next().unwrap_or_default());
                self.rows.text(column).map(|text| wide(text.dictionary.find(&word)))
            }
            Order::Facet(facet) => {
                self.rows.facet(facet).map(|column| wide(column.dictionary.find(&Words(value.into()))))
            }
            Order::Ip => {
                let ip = value.first().and_then(|ip| ip.parse().ok());
                ip.map(|ip| wide(self.rows.ips.dictionary.find(&ip)))
            }
        };
        match place {
            // A number that no row can have: only who wrote the cursor by hand sends it.
            Some(Ok(place) | Err(place)) if place >= LAST - 1 => Err(not_a_cursor()),
            Some(Ok(place)) => Ok((self.key(place), device.0)),
            Some(Err(next)) if self.descending => Ok((LAST - 1 - next, u64::MAX)),
            Some(Err(next)) => Ok((next.saturating_sub(1), u64::MAX)),
            None => Err(not_a_cursor()),
        }
    }
}

impl Keys<'_> {
    fn of(&self, place: usize) -> u64 {
        match self {
            Self::Codes(codes, places) => {
                let code = codes.get(place).copied().unwrap_or(NOTHING);
                places.get(code as usize).copied().unwrap_or(0).into()
            }
            Self::Numbers(numbers) => numbers.get(place).copied().unwrap_or(0),
        }
    }
}

fn keys(rows: &Rows, column: Column) -> Keys<'_> {
    let coded = match column.order() {
        Order::Number(number) => return Keys::Numbers(rows.numbers(number)),
        Order::Ip => Some((&rows.ips.codes, rows.ips.dictionary.places())),
        Order::Text(place) => rows.text(place).map(|text| (&text.codes, text.dictionary.places())),
        Order::Facet(facet) => rows.facet(facet).map(|column| (&column.codes, column.dictionary.places())),
    };
    coded.map_or(Keys::Numbers(&[]), |(codes, places)| Keys::Codes(codes, places))
}

impl Test<'_> {
    fn mask(&self, block: usize) -> u64 {
        fn of<T>(values: &[T], block: usize, test: impl Fn(&T) -> bool) -> u64 {
            let values = values.iter().skip(block * BLOCK).take(BLOCK);
            values.enumerate().fold(0, |mask, (bit, value)| mask | (u64::from(test(value)) << bit))
        }
        match self {
            Self::Codes(codes, pass) => {
                of(codes, block, |code| pass.get(*code as usize).copied().unwrap_or(false))
            }
            Self::Times(times, ranges) => {
                of(times, block, |time| ranges.iter().any(|(from, before)| (from..before).contains(&time)))
            }
        }
    }
}

fn test<'r>(
    rows: &'r Rows,
    facet: Facet,
    values: &std::collections::BTreeSet<SmolStr>,
    (now, midnight, zone): (Timestamp, u64, &Zone),
) -> Test<'r> {
    match facet {
        Facet::Seen => {
            Test::Times(rows.numbers(Number::LastSeen), values.iter().map(|value| seen(value, now)).collect())
        }
        Facet::New => {
            let ranges = values.iter().map(|value| (new(value, now, midnight, zone), u64::MAX)).collect();
            Test::Times(rows.numbers(Number::FirstSeen), ranges)
        }
        _ => {
            let Some(column) = rows.facet(facet) else { return Test::Codes(&[], Vec::new()) };
            let wants = |words: &Arc<[SmolStr]>| words.iter().any(|word| values.contains(word));
            let mut pass: Vec<bool> = column.values.iter().map(wants).collect();
            pass.resize(column.dictionary.codes(), false);
            if let Some(nothing) = pass.first_mut() {
                *nothing = values.contains(UNKNOWN);
            }
            Test::Codes(&column.codes, pass)
        }
    }
}

/// From when, and before when, a device was last seen.
fn seen(value: &str, now: Timestamp) -> (u64, u64) {
    match value {
        "hour" => (back(now, 3_600), u64::MAX),
        "day" => (back(now, DAY_S), u64::MAX),
        "week" => (back(now, 7 * DAY_S), u64::MAX),
        _ => (1, back(now, 7 * DAY_S)),
    }
}

/// From when a device is new.
fn new(value: &str, now: Timestamp, midnight: u64, zone: &Zone) -> u64 {
    match value {
        "today" => midnight,
        "week" => back(now, 7 * DAY_S),
        "month" => back(now, 30 * DAY_S),
        date => {
            let Ok(day) = date.parse::<jiff::civil::Date>() else { return u64::MAX };
            // A day that is not counted is before all that is, or after it.
            let uncounted = if day.year() < 1970 { 1 } else { u64::MAX };
            zone.instant(day.at(0, 0, 0, 0)).map_or(uncounted, |at| at.as_nanos().max(1))
        }
    }
}

fn back(now: Timestamp, seconds: u64) -> u64 {
    now.as_nanos().saturating_sub(Duration::from_secs(seconds).as_nanos()).max(1)
}

/// When the day began, by the site's clock.
fn midnight(now: Timestamp, zone: &Zone) -> u64 {
    let instant =
        jiff::Timestamp::from_nanosecond(now.as_nanos().into()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let today = instant.to_zoned(zone.time_zone().clone()).date();
    zone.instant(today.at(0, 0, 0, 0)).map_or(0, Timestamp::as_nanos).max(1)
}

/// Counts of one facet while rows go by.
struct Counter {
    facet: Facet,
    /// By code; of facets of time, by place in [`Facet::values`].
    counts: Vec<u32>,
    /// From and before, of facets of time.
    ranges: Vec<(u64, u64)>,
}

impl Counter {
    fn new(rows: &Rows, facet: Facet, (now, midnight): (Timestamp, u64)) -> Self {
        let values = facet.values().iter();
        let ranges: Vec<_> = match facet {
            Facet::Seen => values.map(|value| seen(value, now)).collect(),
            Facet::New => values.map(|value| (new(value, now, midnight, &Zone::UTC), u64::MAX)).collect(),
            _ => Vec::new(),
        };
        let codes = rows.facet(facet).map_or(1, |column| column.dictionary.codes());
        let counts = vec![0; if facet.is_of_time() { ranges.len() } else { codes }];
        Self { facet, counts, ranges }
    }

    fn count(&mut self, rows: &Rows, block: usize, mask: u64) {
        let start = block * BLOCK;
        if self.facet.is_of_time() {
            let number = if self.facet == Facet::Seen { Number::LastSeen } else { Number::FirstSeen };
            let times = rows.numbers(number).get(start..).unwrap_or_default();
            for time in bits_of(mask).filter_map(|bit| times.get(bit)) {
                for (count, (from, before)) in self.counts.iter_mut().zip(&self.ranges) {
                    *count += u32::from((from..before).contains(&time));
                }
            }
            return;
        }
        let codes = rows.facet(self.facet).and_then(|column| column.codes.get(start..)).unwrap_or_default();
        let mut one = |code: u32| {
            if let Some(count) = self.counts.get_mut(code as usize) {
                *count += 1;
            }
        };
        if mask == u64::MAX {
            codes.iter().take(BLOCK).for_each(|code| one(*code));
        } else {
            bits_of(mask).filter_map(|bit| codes.get(bit)).for_each(|code| one(*code));
        }
    }

    /// Counts by code become counts by word.
    fn finish(self, rows: &Rows, query: &Query) -> FacetCounts {
        let facet = self.facet;
        let mut words: std::collections::BTreeMap<SmolStr, u32> = std::collections::BTreeMap::new();
        if facet.is_of_time() {
            words.extend(facet.values().iter().map(|value| SmolStr::new_static(value)).zip(self.counts));
        } else if let Some(column) = rows.facet(facet) {
            let nothing = self.counts.first().copied().unwrap_or(0);
            words.insert(SmolStr::new_static(UNKNOWN), nothing);
            for (value, count) in column.values.iter().zip(&self.counts).filter(|(_, count)| **count > 0) {
                value.iter().for_each(|word| *words.entry(word.clone()).or_default() += count);
            }
        }
        for chosen in query.filters.get(&facet).into_iter().flatten() {
            words.entry(chosen.clone()).or_default();
        }
        let mut values: Vec<FacetValue> = words
            .into_iter()
            .map(|(value, count)| FacetValue { chosen: query.has(facet, &value), value, count })
            .filter(|value| value.count > 0 || value.chosen)
            .collect();
        let fixed = |value: &str| facet.values().iter().position(|known| *known == value);
        values.sort_by(|a, b| {
            let by_count = || b.count.cmp(&a.count).then_with(|| natural(&a.value, &b.value));
            (!a.chosen).cmp(&!b.chosen).then_with(|| match (fixed(&a.value), fixed(&b.value)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => by_count(),
            })
        });
        let left_out = values.len().saturating_sub(FACET_VALUES_MAX);
        values.truncate(FACET_VALUES_MAX);
        FacetCounts { facet, values, left_out }
    }
}

impl Tally {
    fn count(
        &mut self,
        state: &super::rows::FacetColumn,
        first_seen: &[u64],
        midnight: u64,
        (block, mask): (usize, u64),
    ) {
        let code_of = |word: &str| {
            let found = state.values.iter().position(|words| words.iter().any(|one| one == word));
            found.and_then(|code| u32::try_from(code).ok()).unwrap_or(u32::MAX)
        };
        let (known, in_doubt) = (code_of("known"), code_of("in-doubt"));
        for place in bits_of(mask).map(|bit| block * BLOCK + bit) {
            let code = state.codes.get(place).copied().unwrap_or(NOTHING);
            self.known += u32::from(code == known);
            self.in_doubt += u32::from(code == in_doubt);
            self.unknown += u32::from(code == NOTHING);
            self.new_today += u32::from(first_seen.get(place).is_some_and(|first| *first >= midnight));
        }
    }
}

/// Where the list goes on after `last`: what it is bound to, the value sorted by, the device.
fn cursor(query: &Query, last: &Entry) -> String {
    let value: Vec<Text> = match query.sort.order() {
        Order::Text(_) => query.sort.text(last).into_iter().cloned().collect(),
        Order::Facet(facet) => facet.of(last),
        Order::Ip => last.ips.first().map(|ip| smol_str::format_smolstr!("{ip}")).into_iter().collect(),
        Order::Number(number) => match number.of(last) {
            0 => Vec::new(),
            number => vec![smol_str::format_smolstr!("{number}")],
        },
    };
    let parts = (query.fingerprint(), value, last.id);
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap_or_default())
}

fn read_cursor(query: &Query, text: &str) -> Result<(Option<Vec<Text>>, DeviceId), Wrong> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_a_cursor())?;
    let parts: (String, Vec<Text>, DeviceId) = serde_json::from_slice(&bytes).map_err(|_| not_a_cursor())?;
    let (fingerprint, value, device) = parts;
    if fingerprint != query.fingerprint() {
        let why = "after is the cursor of another list: words, filters, sort or moment have changed since; begin without it";
        return Err(Wrong(why.into()));
    }
    Ok((Some(value).filter(|value| !value.is_empty()), device))
}

fn not_a_cursor() -> Wrong {
    Wrong("after is no cursor of this list: take it from next of the page before, unchanged, or begin without it".into())
}
