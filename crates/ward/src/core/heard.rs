//! Who talks to whom, as maps are told it: talks between addresses added up to talks between devices.

use super::publish::Publication;
use super::{Core, site::SiteViews, talks::TalkViews};
use judge::inventory::{SubjectKey, TalkKey};
use model::{Address, DeviceId, Protocol, Transport};
use serve::network::{Heard, PAIRS_MAX};
use std::collections::{BTreeSet, HashMap};
use store::talks::{self, NewestTalk};

/// Talks that went on, told at once; the others wait for the next second.
const TALKS_PER_BEAT: usize = 2_000;
/// Pairs read at once of those that talked before the start.
const BACKLOG_PER_BEAT: u32 = 5_000;
/// Combinations of addresses of two devices that are looked through for talks of theirs.
const COMBINATIONS_MAX: usize = 4_096;

/// Two devices, a service, an hour.
type Pair = (DeviceId, DeviceId, Protocol, u16, u32);

/// Who talked to whom before the start: read in shares, told at once when all are read, for what goes on is newer.
#[derive(Default)]
pub(super) struct Backlog {
    until: i64,
    done: bool,
    heard: HashMap<(DeviceId, DeviceId, Protocol, u16), Heard>,
}

impl Core {
    /// Tells a share of the talks that went on.
    pub(super) fn tell_heard(&mut self, publication: &mut Publication) {
        if !publication.backlog.done {
            self.read_backlog(publication);
            return;
        }
        let (site, talks) = (&self.site, &mut self.talks);
        let mut pairs: HashMap<Pair, Vec<TalkKey>> = HashMap::new();
        for key in talks.take_went_on(TALKS_PER_BEAT) {
            if let (Some(client), Some(server)) = (site.owner(&key.client), site.owner(&key.server)) {
                let pair = (client, server, key.protocol, key.service_port, key.hour);
                pairs.entry(pair).or_default().push(key);
            }
        }
        let heard: Vec<Heard> =
            pairs.into_iter().map(|(pair, keys)| between(pair, &keys, site, talks)).collect();
        if !heard.is_empty() {
            publication.rooms.network.apply(&heard);
        }
    }

    fn read_backlog(&mut self, publication: &mut Publication) {
        let (site, backlog) = (&self.site, &mut publication.backlog);
        let (from, id) = (backlog.until, self.settings.site);
        let mut read = 0;
        let mut take = |talk: NewestTalk| {
            read += 1;
            backlog.until = talk.pair;
            let (Some(client), Some(server)) = (site.owner(&talk.client), site.owner(&talk.server)) else {
                return;
            };
            let key = (client, server, talk.protocol, talk.port);
            if backlog.heard.len() < PAIRS_MAX || backlog.heard.contains_key(&key) {
                let fresh = Heard {
                    client,
                    server,
                    protocol: talk.protocol,
                    port: talk.port,
                    hour: talk.hour,
                    bytes: 0,
                    flows: 0,
                };
                add(backlog.heard.entry(key).or_insert(fresh), &talk);
            }
        };
        let result = talks::each_newest(self.store.db(), id, from, BACKLOG_PER_BEAT, &mut take);
        if let Err(error) = &result {
            tracing::warn!(error = %error, "who talked to whom before the start cannot be read: maps begin with what is heard now");
        }
        if result.is_err() || read < BACKLOG_PER_BEAT {
            publication.backlog.done = true;
            let heard: Vec<Heard> = std::mem::take(&mut publication.backlog.heard).into_values().collect();
            publication.rooms.network.apply(&heard);
        }
    }
}

fn add(known: &mut Heard, talk: &NewestTalk) {
    if talk.hour > known.hour {
        (known.hour, known.bytes, known.flows) = (talk.hour, 0, 0);
    }
    if talk.hour == known.hour {
        known.bytes = known.bytes.saturating_add(talk.bytes);
        known.flows = known.flows.saturating_add(talk.flows);
    }
}

/// All that two devices said over a service in an hour: by every pair of their addresses, not only by those that went on.
fn between(pair: Pair, went_on: &[TalkKey], site: &SiteViews, talks: &TalkViews) -> Heard {
    let (client, server, protocol, port, hour) = pair;
    let (clients, servers) = (site.endpoints_of(client), site.endpoints_of(server));
    let mut keys: BTreeSet<TalkKey> = went_on.iter().copied().collect();
    if clients.len().saturating_mul(servers.len()) <= COMBINATIONS_MAX {
        let transports: BTreeSet<Transport> =
            went_on.iter().map(|key| key.transport).chain([Transport::Tcp, Transport::Udp]).collect();
        let both = clients.iter().flat_map(|one| servers.iter().map(move |other| (*one, *other)));
        for (client, server) in both.filter(|(client, server)| may_talk(client, server)) {
            keys.extend(transports.iter().map(|transport| TalkKey {
                client,
                server,
                protocol,
                transport: *transport,
                service_port: port,
                hour,
            }));
        }
    }
    let sums = || keys.iter().filter_map(|key| talks.talks().get(key));
    let bytes = sums().flat_map(|sums| sums.bytes).fold(0, u64::saturating_add);
    let flows = sums().map(|sums| sums.flows).fold(0, u64::saturating_add);
    Heard { client, server, protocol, port, hour, bytes, flows }
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
