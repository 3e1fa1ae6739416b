//! Who talks to whom, as maps are told it: talks between addresses added up to talks between devices, by the hour.
//!
//! It must not tell an hour that is a day old twice: maps add those up. And none that is to come: what a clock that is ahead says of
//! two ends would make all that they say now look old.

use super::publish::Publication;
use super::{Core, site::SiteViews, talks::TalkViews};
use judge::inventory::{SubjectKey, TalkKey};
use model::{Address, Protocol, TalkEnd, Timestamp, Transport};
use serve::network::{Heard, PAIRS_MAX};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::talks::{self, HourTalk};

/// Talks that went on, told at once; the others wait for the next second.
const TALKS_PER_BEAT: usize = 2_000;
/// Talks from before the start that are read at once.
const BACKLOG_PER_BEAT: u32 = 10_000;
/// Hours before the newest from before the start that are told: a week.
const BACKLOG_HOURS: u32 = 7 * 24;
/// Hours before the newest that may be told more than once.
const AGAIN_HOURS: u32 = 24;
/// Combinations of addresses of two devices that are looked through for talks of theirs.
const COMBINATIONS_MAX: usize = 4_096;

/// Two ends, a service, an hour.
type Pair = (TalkEnd, TalkEnd, Protocol, u16, u32);

/// Who talked to whom before the start, hour by hour, the newest first.
#[derive(Default)]
pub(super) struct Backlog {
    /// The newest hour, the one that is being read, and the talk read last; `None`: not begun.
    at: Option<(u32, u32, i64)>,
    done: bool,
    heard: HashMap<Pair, Heard>,
}

impl Backlog {
    /// Hours that still change are told, so that what goes on is newer.
    fn is_past_now(&self) -> bool {
        self.done || self.at.is_some_and(|(newest, hour, _)| hour + 1 < newest)
    }
}

impl Core {
    /// Tells a share of the talks that went on, and of those before the start.
    pub(super) fn tell_heard(&mut self, publication: &mut Publication, now: Timestamp) {
        if !publication.backlog.done {
            self.read_backlog(publication, now);
        }
        if !publication.backlog.is_past_now() {
            return;
        }
        let newest = self.talks.newest_hour().min(now.hour());
        let (site, talks) = (&self.site, &mut self.talks);
        let mut pairs: BTreeMap<Pair, Vec<TalkKey>> = BTreeMap::new();
        for key in talks.take_went_on(TALKS_PER_BEAT) {
            // Others are in the store, and are told after the next start, when their time has come.
            if key.hour <= newest && key.hour + AGAIN_HOURS > newest {
                let (client, server) = (end(site, &key.client), end(site, &key.server));
                pairs
                    .entry((client, server, key.protocol, key.service_port, key.hour))
                    .or_default()
                    .push(key);
            }
        }
        let heard: Vec<Heard> =
            pairs.into_iter().map(|(pair, keys)| between(pair, &keys, site, talks)).collect();
        publication.rooms.network.apply(&heard);
    }

    fn read_backlog(&mut self, publication: &mut Publication, now: Timestamp) {
        let backlog = &mut publication.backlog;
        if let Err(error) = self.try_read_backlog(backlog, now) {
            tracing::warn!(error = %error, "who talked to whom before the start cannot be read: maps begin with what is heard now");
            *backlog = Backlog { done: true, ..Backlog::default() };
        }
        let is_whole_hour = backlog.done || backlog.at.is_some_and(|(.., after)| after == 0);
        if is_whole_hour && !backlog.heard.is_empty() {
            let heard: Vec<Heard> = std::mem::take(&mut backlog.heard).into_values().collect();
            publication.rooms.network.apply(&heard);
        }
    }

    fn try_read_backlog(&mut self, backlog: &mut Backlog, now: Timestamp) -> Result<(), store::StoreError> {
        let id = self.settings.site;
        let (newest, hour, after) = match backlog.at {
            Some(at) => at,
            None => match talks::newest_hour(self.store.db(), id)? {
                Some(newest) => (newest.min(now.hour()), newest.min(now.hour()), 0),
                None => {
                    backlog.done = true;
                    return Ok(());
                }
            },
        };
        let (site, heard) = (&self.site, &mut backlog.heard);
        let (mut read, mut last) = (0, after);
        talks::each_of_hour(self.store.db(), id, hour, (after, BACKLOG_PER_BEAT), &mut |talk| {
            (read, last) = (read + 1, talk.id);
            add(heard, site, &talk);
        })?;
        let is_over = read < BACKLOG_PER_BEAT;
        backlog.at = Some(if is_over { (newest, hour.saturating_sub(1), 0) } else { (newest, hour, last) });
        backlog.done = is_over && (hour == 0 || hour + BACKLOG_HOURS <= newest);
        Ok(())
    }
}

fn add(heard: &mut HashMap<Pair, Heard>, site: &SiteViews, talk: &HourTalk) {
    let (client, server) = (end(site, &talk.client), end(site, &talk.server));
    let pair = (client, server, talk.protocol, talk.port, talk.hour);
    if heard.len() >= PAIRS_MAX && !heard.contains_key(&pair) {
        return;
    }
    let fresh = of(pair, 0, 0);
    let known = heard.entry(pair).or_insert(fresh);
    known.bytes = known.bytes.saturating_add(talk.bytes);
    known.flows = known.flows.saturating_add(talk.flows);
}

fn of((client, server, protocol, port, hour): Pair, bytes: u64, flows: u64) -> Heard {
    Heard { client, server, protocol, port, hour, bytes, flows }
}

fn end(site: &SiteViews, key: &SubjectKey) -> TalkEnd {
    site.owner(key).map_or(TalkEnd::Address(key.address), TalkEnd::Device)
}

/// All that two ends said over a service in an hour: by every pair of their addresses, not only by those that went on.
fn between(pair: Pair, went_on: &[TalkKey], site: &SiteViews, talks: &TalkViews) -> Heard {
    let (client, server, protocol, service_port, hour) = pair;
    let all = |end, its: fn(&TalkKey) -> SubjectKey| match end {
        TalkEnd::Device(device) => site.endpoints_of(device).to_vec(),
        TalkEnd::Address(_) => went_on.iter().map(its).collect(),
    };
    let (clients, servers) = (all(client, |key| key.client), all(server, |key| key.server));
    let mut keys: BTreeSet<TalkKey> = went_on.iter().copied().collect();
    if clients.len().saturating_mul(servers.len()) <= COMBINATIONS_MAX {
        let transports: BTreeSet<Transport> =
            went_on.iter().map(|key| key.transport).chain([Transport::Tcp, Transport::Udp]).collect();
        let both = clients.iter().flat_map(|one| servers.iter().map(move |other| (*one, *other)));
        for (client, server) in both.filter(|(client, server)| may_talk(client, server)) {
            let over = |transport: &Transport| {
                let transport = *transport;
                TalkKey { client, server, protocol, transport, service_port, hour }
            };
            keys.extend(transports.iter().map(over));
        }
    }
    let sums = || keys.iter().filter_map(|key| talks.talks().get(key));
    let bytes = sums().flat_map(|sums| sums.bytes).fold(0, u64::saturating_add);
    of(pair, bytes, sums().map(|sums| sums.flows).fold(0, u64::saturating_add))
}

/// Addresses of one kind in one domain.
fn may_talk(client: &SubjectKey, server: &SubjectKey) -> bool {
    let is_one_kind = match (client.address, server.address) {
        (Address::Mac(_), Address::Mac(_)) => true,
        (Address::Ip(one), Address::Ip(other)) => one.is_ipv4() == other.is_ipv4(),
        _ => false,
    };
    is_one_kind && client.domain == server.domain
}
