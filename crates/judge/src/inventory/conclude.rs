//! From evidence to devices: which addresses are one device, which link address forwards for which, who is off site.

use super::equipment::Equipment;
use super::evidence::{Binding, Evidence, Heard};
use super::{Inventory, SiteNetworks, VendorRegistry, findings, identity, talks};
use model::{
    Address, Attribute, Claim, Coverage, Device, DeviceAddress, DeviceId, DeviceKey, Duration, Finding,
    IpClass, MacAddr, Protocol, Talk, TalkEnd, Timestamp, classify_ip,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Unconfirmed on-site IPv4 addresses that one link address may have for itself; beyond, it forwards.
const OWN_ADDRESSES_MAX: usize = 4;
/// On-site addresses a link address must forward for to be believed a router. A single one is a phone on a device's own access
/// point, or another odd start value: it stays visible as a talk, not as a device.
const FORWARDED_MIN: usize = 2;
/// Hops that no internal network has: the sender starts from an unusual value instead (lwIP and others).
const ODD_START_HOPS: usize = 1;

/// An address that another device takes up after this long has moved on; before, it is contested.
const MOVED_ON: Duration = Duration::from_secs(3600);

/// The conclusions, in an order that depends on the evidence alone.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// Devices, by first seen, then key.
    pub devices: Vec<Device>,
    /// Talks, largest first.
    pub talks: Vec<Talk>,
    /// Findings, by kind, then device.
    pub findings: Vec<Finding>,
    /// What the sensors saw and missed, added up.
    pub coverage: Coverage,
    /// A router stands between the tap and some devices: they are told apart by IP address.
    pub routed_view: bool,
    /// Records dropped because a bound was reached.
    pub dropped_records: u64,
}

/// A device in the making: the addresses it consists of.
#[derive(Debug, Default)]
struct Draft {
    macs: BTreeSet<MacAddr>,
    ips: BTreeSet<IpAddr>,
    /// Addresses that another device has by now: shown, but what is heard of them is not this device's.
    former_ips: BTreeSet<IpAddr>,
    is_router: bool,
    behind: Option<DeviceKey>,
}

impl Inventory {
    /// Draws the conclusions. Repeatable: the evidence stays as it is.
    pub fn resolve(&self, networks: &SiteNetworks, vendors: &VendorRegistry) -> Resolved {
        let drafts = self.drafts(networks);
        let owner_of = owners(&drafts);
        let mut devices: Vec<Device> =
            drafts.iter().map(|(key, draft)| self.device(key, draft, vendors)).collect();
        let equipment = self.equipment(&devices, &owner_of);
        devices.extend(equipment);
        devices.sort_by(|a, b| (a.first_seen, &a.key).cmp(&(b.first_seen, &b.key)));
        devices.iter_mut().for_each(round_last_seen);
        let talks = self.talks(&owner_of);
        let mut findings =
            findings::findings(&devices, &talks, &self.conflicting_addresses(&owner_of), networks);
        findings.extend(self.spoofing(&owner_of));
        findings.sort_by_key(|f| (f.kind, f.protocol, f.device));
        Resolved {
            routed_view: drafts.values().any(|d| d.macs.is_empty() && d.behind.is_some()),
            coverage: sum_coverage(&self.coverage),
            dropped_records: self.dropped_records() + self.dropped_evidence(),
            devices,
            talks,
            findings,
        }
    }

    /// Claims and bindings that did not fit their bounds.
    fn dropped_evidence(&self) -> u64 {
        self.endpoints.values().map(|e| e.claims_dropped + e.bindings_dropped).sum()
    }

    /// Groups addresses into devices.
    fn drafts(&self, networks: &SiteNetworks) -> BTreeMap<DeviceKey, Draft> {
        let mut drafts: BTreeMap<DeviceKey, Draft> = BTreeMap::new();
        let mut forwarded: BTreeMap<IpAddr, MacAddr> = BTreeMap::new();
        let mut owned: BTreeSet<IpAddr> = BTreeSet::new();
        for (mac, evidence) in self.senders() {
            let mut split = split_bindings(&evidence.bindings, networks);
            let leads_away = split.forwarded.iter().any(|ip| !networks.contains(*ip));
            if split.forwarded.len() < FORWARDED_MIN && !leads_away && !says_it_routes(&evidence.claims) {
                split.forwarded.clear();
            }
            let draft = drafts.entry(DeviceKey::Address(Address::Mac(mac))).or_default();
            draft.macs.insert(mac);
            draft.is_router = !split.forwarded.is_empty() || says_it_routes(&evidence.claims);
            owned.extend(&split.own);
            draft.ips = split.own;
            for ip in split.forwarded {
                let first = forwarded.entry(ip).or_insert(mac);
                *first = (*first).min(mac);
            }
        }
        self.add_routed(&mut drafts, &forwarded, &owned, networks);
        self.add_linkless(&mut drafts, &forwarded, &owned, networks);
        self.add_spoken_for(&mut drafts);
        self.settle_shared(&mut drafts);
        self.merge_by_identity(drafts)
    }

    /// Link addresses that sent frames, in order.
    fn senders(&self) -> Vec<(MacAddr, &Evidence)> {
        let mut senders: Vec<(MacAddr, &Evidence)> = self
            .endpoints
            .iter()
            .filter_map(|(address, evidence)| match address {
                Address::Mac(mac) if evidence.sent => Some((*mac, evidence)),
                _ => None,
            })
            .collect();
        senders.sort_unstable_by_key(|(mac, _)| *mac);
        senders
    }

    /// Devices behind a router: on-site addresses that sent packets and are nobody's own on the link.
    fn add_routed(
        &self,
        drafts: &mut BTreeMap<DeviceKey, Draft>,
        forwarded: &BTreeMap<IpAddr, MacAddr>,
        owned: &BTreeSet<IpAddr>,
        networks: &SiteNetworks,
    ) {
        let behind_router =
            forwarded.iter().filter(|(ip, _)| !owned.contains(*ip) && networks.contains(**ip));
        for (&ip, &router) in behind_router {
            let router = DeviceKey::Address(Address::Mac(router));
            let draft = drafts.entry(DeviceKey::Address(Address::Ip(ip))).or_default();
            draft.ips.insert(ip);
            draft.behind = Some(router);
        }
    }

    /// Devices of captures without a link layer (raw IP, tunnels without Ethernet).
    fn add_linkless(
        &self,
        drafts: &mut BTreeMap<DeviceKey, Draft>,
        forwarded: &BTreeMap<IpAddr, MacAddr>,
        owned: &BTreeSet<IpAddr>,
        networks: &SiteNetworks,
    ) {
        let bound: BTreeSet<IpAddr> =
            self.senders().iter().flat_map(|(_, e)| e.bindings.keys().copied()).collect();
        for (address, evidence) in &self.endpoints {
            let Address::Ip(ip) = *address else { continue };
            let is_known = owned.contains(&ip) || forwarded.contains_key(&ip) || bound.contains(&ip);
            if evidence.sent && !is_known && networks.contains(ip) {
                drafts.entry(DeviceKey::Address(Address::Ip(ip))).or_default().ips.insert(ip);
            }
        }
    }

    /// Link addresses never seen themselves, but named by DHCP as that of an address behind a router.
    fn add_spoken_for(&self, drafts: &mut BTreeMap<DeviceKey, Draft>) {
        for (address, evidence) in &self.endpoints {
            let Address::Mac(mac) = *address else { continue };
            if evidence.sent {
                continue;
            }
            for (ip, _) in evidence.bindings.iter().filter(|(_, b)| b.confirmed) {
                if let Some(draft) = drafts.get_mut(&DeviceKey::Address(Address::Ip(*ip))) {
                    draft.macs.insert(mac);
                }
            }
        }
    }

    /// An address that several devices called their own (a lease that moved on, a spoofer) counts for who had it last.
    fn settle_shared(&self, drafts: &mut BTreeMap<DeviceKey, Draft>) {
        let mut holders: BTreeMap<IpAddr, Vec<(Timestamp, DeviceKey)>> = BTreeMap::new();
        for (key, draft) in drafts.iter() {
            for ip in &draft.ips {
                let bindings = draft.macs.iter().filter_map(|mac| self.endpoints.get(&Address::Mac(*mac)));
                let last = bindings.filter_map(|e| e.bindings.get(ip)).map(|b| b.last_seen).max();
                holders.entry(*ip).or_default().push((last.unwrap_or_default(), key.clone()));
            }
        }
        for (ip, mut holders) in holders.into_iter().filter(|(_, holders)| holders.len() > 1) {
            holders.sort();
            holders.pop();
            for (_, former) in holders {
                if let Some(draft) = drafts.get_mut(&former) {
                    draft.ips.remove(&ip);
                    draft.former_ips.insert(ip);
                }
            }
        }
    }

    /// One device with two network interfaces, known by an identity that no two devices share.
    fn merge_by_identity(&self, drafts: BTreeMap<DeviceKey, Draft>) -> BTreeMap<DeviceKey, Draft> {
        let mut by_identity: BTreeMap<String, DeviceKey> = BTreeMap::new();
        let mut merged: BTreeMap<DeviceKey, Draft> = BTreeMap::new();
        for (key, draft) in drafts {
            let identities = identity::strong_identities(self.heard(&draft));
            let known = identities.iter().find_map(|id| by_identity.get(id)).cloned();
            let into = known.unwrap_or_else(|| key.clone());
            for id in identities {
                by_identity.entry(id).or_insert_with(|| into.clone());
            }
            let target = merged.entry(into).or_default();
            target.macs.extend(draft.macs);
            target.ips.extend(draft.ips);
            target.former_ips.extend(draft.former_ips);
            target.is_router |= draft.is_router;
            target.behind = target.behind.take().or(draft.behind);
        }
        merged
    }

    /// The evidence of every address of a device.
    fn evidence_of<'s>(&'s self, draft: &'s Draft) -> impl Iterator<Item = &'s Evidence> {
        let macs = draft.macs.iter().map(|mac| Address::Mac(*mac));
        let ips =
            draft.ips.iter().filter(|ip| classify_ip(**ip) != IpClass::LinkLocal || !draft.macs.is_empty());
        macs.chain(ips.map(|ip| Address::Ip(*ip))).filter_map(|address| self.endpoints.get(&address))
    }

    fn heard<'s>(&'s self, draft: &'s Draft) -> impl Iterator<Item = &'s Heard> {
        self.evidence_of(draft).flat_map(|e| &e.claims)
    }

    fn device(&self, key: &DeviceKey, draft: &Draft, vendors: &VendorRegistry) -> Device {
        let claims = identity::claims(self.heard(draft));
        let mut protocols: Vec<Protocol> = self.evidence_of(draft).flat_map(Evidence::protocols).collect();
        protocols.sort_unstable();
        protocols.dedup();
        let sent = || self.evidence_of(draft).filter(|e| e.sent);
        Device {
            id: identity::device_id(key),
            key: key.clone(),
            addresses: self.addresses(draft),
            names: identity::names(&claims),
            vendor: draft.macs.iter().find_map(|mac| vendors.vendor(*mac)).map(Into::into),
            is_router: draft.is_router,
            behind: draft.behind.as_ref().map(identity::device_id),
            phi_in_clear: claims.iter().any(|c| c.attribute == Attribute::PhiInClear),
            conflicts: identity::conflicts(&claims),
            protocols,
            claims,
            first_seen: sent().map(|e| e.first_seen).min().unwrap_or_default(),
            last_seen: sent().map(|e| e.last_seen).max().unwrap_or_default(),
            packets_sent: sent().map(|e| e.packets).sum(),
            bytes_sent: sent().map(|e| e.bytes).sum(),
        }
    }

    fn addresses(&self, draft: &Draft) -> Vec<DeviceAddress> {
        let mut addresses = Vec::new();
        for &mac in &draft.macs {
            let Some(evidence) = self.endpoints.get(&Address::Mac(mac)) else { continue };
            let vlan = evidence.vlans.first().copied().filter(|_| evidence.vlans.len() == 1);
            let is_its = |ip: &IpAddr| draft.ips.contains(ip) || draft.former_ips.contains(ip);
            let bound = evidence.bindings.iter().filter(|(ip, _)| is_its(ip));
            let before = addresses.len();
            addresses.extend(bound.map(|(ip, b)| {
                // A binding is stated once a minute; the packets themselves tell more exactly.
                let heard = self.endpoints.get(&Address::Ip(*ip)).filter(|_| draft.ips.contains(ip));
                DeviceAddress {
                    mac: Some(mac),
                    ip: Some(*ip),
                    vlan: b.vlan.or(vlan),
                    first_seen: heard.map_or(b.first_seen, |e| e.first_seen.min(b.first_seen)),
                    last_seen: heard.map_or(b.last_seen, |e| e.last_seen.max(b.last_seen)),
                }
            }));
            if addresses.len() == before {
                let (first_seen, last_seen) = (evidence.first_seen, evidence.last_seen);
                addresses.push(DeviceAddress { mac: Some(mac), ip: None, vlan, first_seen, last_seen });
            }
        }
        for &ip in draft.ips.iter().filter(|_| draft.macs.is_empty()) {
            let seen = self.endpoints.get(&Address::Ip(ip));
            let (first_seen, last_seen) = seen.map_or_else(Default::default, |e| (e.first_seen, e.last_seen));
            addresses.push(DeviceAddress { mac: None, ip: Some(ip), vlan: None, first_seen, last_seen });
        }
        addresses.sort_by_key(|a| (a.first_seen, a.mac, a.ip));
        addresses
    }

    /// Devices that a gateway speaks for.
    fn equipment(&self, devices: &[Device], owner_of: &BTreeMap<Address, DeviceId>) -> Vec<Device> {
        let by_id: BTreeMap<DeviceId, &Device> = devices.iter().map(|device| (device.id, device)).collect();
        let mut equipment = Equipment::default();
        for (address, evidence) in &self.endpoints {
            let Some(gateway) = owner_of.get(address).and_then(|id| by_id.get(id)) else { continue };
            for heard in evidence.claims.iter().filter(|c| c.attribute == Attribute::EquipmentId) {
                equipment.add(gateway, heard, |mac| owner_of.contains_key(&Address::Mac(mac)));
            }
        }
        equipment.into_devices().collect()
    }

    fn talks(&self, owner_of: &BTreeMap<Address, DeviceId>) -> Vec<Talk> {
        let end = |address: Address| {
            owner_of.get(&address).map_or(TalkEnd::Address(address), |id| TalkEnd::Device(*id))
        };
        let mut sums: BTreeMap<(TalkEnd, TalkEnd, _, _, _, _), talks::Sums> = BTreeMap::new();
        // In an order that does not depend on the map: where verbs are many, the first ones keep their names.
        let mut parts: Vec<_> = self.talks.iter().collect();
        parts.sort_unstable_by_key(|(key, _)| *key);
        for (key, sum) in parts {
            let key =
                (end(key.client), end(key.server), key.protocol, key.transport, key.service_port, key.hour);
            let total = sums.entry(key).or_default();
            for i in 0..2 {
                if let (Some(p), Some(b)) = (total.packets.get_mut(i), total.bytes.get_mut(i)) {
                    *p += sum.packets.get(i).copied().unwrap_or(0);
                    *b += sum.bytes.get(i).copied().unwrap_or(0);
                }
            }
            let mut verbs: Vec<_> = sum.verbs.iter().collect();
            verbs.sort();
            verbs.into_iter().for_each(|(verb, count)| total.verb(verb, *count));
        }
        let mut talks: Vec<Talk> = sums.into_iter().map(|(key, sum)| talk(key, sum)).collect();
        talks.sort_by_cached_key(|t| {
            (std::cmp::Reverse(t.bytes.iter().sum::<u64>()), t.client, t.server, t.service_port, t.hour)
        });
        talks
    }

    /// Devices that announce addresses under a foreign link address.
    fn spoofing(&self, owner_of: &BTreeMap<Address, DeviceId>) -> Vec<Finding> {
        let accused = self.endpoints.iter().filter(|(_, evidence)| !evidence.address_conflicts.is_empty());
        accused
            .filter_map(|(address, evidence)| {
                findings::spoofing(*owner_of.get(address)?, &evidence.address_conflicts)
            })
            .collect()
    }

    /// IP addresses that two devices call their own, with both.
    fn conflicting_addresses(
        &self,
        owner_of: &BTreeMap<Address, DeviceId>,
    ) -> Vec<(DeviceId, IpAddr, MacAddr, Timestamp)> {
        let mut confirmed: BTreeMap<IpAddr, Vec<(MacAddr, Timestamp, Timestamp)>> = BTreeMap::new();
        for (mac, evidence) in self.senders() {
            for (ip, binding) in evidence.bindings.iter().filter(|(_, b)| b.confirmed) {
                if !matches!(classify_ip(*ip), IpClass::Unspecified | IpClass::LinkLocal) {
                    let span = (mac, binding.first_seen, binding.last_seen.minute_start());
                    confirmed.entry(*ip).or_default().push(span);
                }
            }
        }
        let mut conflicts = Vec::new();
        for (ip, claimants) in confirmed {
            for (mac, first, last) in &claimants {
                let Some(&owner) = owner_of.get(&Address::Mac(*mac)) else { continue };
                // A lease that moved on is no conflict; a change of hands within the hour is.
                let is_contested = claimants.iter().any(|(other, other_first, other_last)| {
                    let other_owner = owner_of.get(&Address::Mac(*other));
                    let together = *other_first <= last.plus(MOVED_ON) && *first <= other_last.plus(MOVED_ON);
                    other_owner.is_some_and(|other| *other != owner) && together
                });
                if is_contested {
                    conflicts.push((owner, ip, *mac, *last));
                }
            }
        }
        conflicts
    }
}

struct Split {
    own: BTreeSet<IpAddr>,
    forwarded: BTreeSet<IpAddr>,
}

/// Tells the addresses of a link address itself from those it forwards for.
fn split_bindings(bindings: &BTreeMap<IpAddr, Binding>, networks: &SiteNetworks) -> Split {
    let mut split = Split { own: BTreeSet::new(), forwarded: BTreeSet::new() };
    let is_site = |ip: IpAddr| networks.contains(ip);
    let on_site = |(ip, b): &(&IpAddr, &Binding)| is_site(**ip) && ip.is_ipv4() && !b.confirmed;
    let unconfirmed = bindings.iter().filter(on_site).filter(|(_, b)| b.on_link || !b.forwarded).count();
    let all_on_site = bindings.iter().filter(|(ip, _)| is_site(**ip) && ip.is_ipv4()).count();
    let has_site_address = bindings.iter().any(|(ip, b)| {
        is_site(*ip) && (b.confirmed || b.on_link) && classify_ip(*ip) != IpClass::LinkLocal && ip.is_ipv4()
    });
    let public_v4 = bindings.iter().filter(|(ip, _)| ip.is_ipv4() && !is_site(**ip)).count();
    for (ip, binding) in bindings {
        let is_own = match binding {
            Binding { confirmed: true, .. } => true,
            _ if classify_ip(*ip) == IpClass::LinkLocal => true,
            Binding { on_link: true, forwarded: true, .. } => false,
            // A public address with a full hop count is the host's own only where it has no other.
            Binding { on_link: true, .. } if !is_site(*ip) && ip.is_ipv4() => {
                !has_site_address && public_v4 <= 1
            }
            Binding { on_link: true, .. } if ip.is_ipv4() => unconfirmed <= OWN_ADDRESSES_MAX,
            Binding { on_link: true, .. } => true,
            // The only on-site address of this sender, with an odd hop count: an unusual start value.
            _ if is_site(*ip) && ip.is_ipv4() => all_on_site <= ODD_START_HOPS && public_v4 == 0,
            _ => false,
        };
        let group = if is_own { &mut split.own } else { &mut split.forwarded };
        group.insert(*ip);
    }
    split
}

fn says_it_routes(claims: &[Heard]) -> bool {
    claims.iter().any(|c| c.attribute == Attribute::ServiceType && c.value == "ipv6 router")
}

fn owners(drafts: &BTreeMap<DeviceKey, Draft>) -> BTreeMap<Address, DeviceId> {
    let mut owner_of = BTreeMap::new();
    for (key, draft) in drafts {
        let id = identity::device_id(key);
        let macs = draft.macs.iter().map(|mac| Address::Mac(*mac));
        for address in macs.chain(draft.ips.iter().map(|ip| Address::Ip(*ip))) {
            owner_of.entry(address).or_insert(id);
        }
    }
    owner_of
}

type TalkSum = (TalkEnd, TalkEnd, Protocol, model::Transport, u16, u32);

fn talk((client, server, protocol, transport, service_port, hour): TalkSum, sum: talks::Sums) -> Talk {
    let mut verbs = sum.verbs;
    verbs.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    let hour = Timestamp::from_secs(u64::from(hour) * 3600);
    Talk {
        client,
        server,
        protocol,
        transport,
        service_port,
        hour,
        packets: sum.packets,
        bytes: sum.bytes,
        verbs,
    }
}

/// When a claim was last heard is known to the minute, because facts are repeated once a minute; more would depend on how
/// many workers shared the capture.
fn round_last_seen(device: &mut Device) {
    let round = |first: Timestamp, last: &mut Timestamp| *last = last.minute_start().max(first);
    device.claims.iter_mut().for_each(|c| round(c.first_seen, &mut c.last_seen));
    device.addresses.iter_mut().for_each(|a| round(a.first_seen, &mut a.last_seen));
    match device.key {
        DeviceKey::Equipment(_) => round(device.first_seen, &mut device.last_seen),
        DeviceKey::Address(_) => device.last_seen = device.last_seen.max(device.first_seen),
    }
}

fn sum_coverage(parts: &[Coverage]) -> Coverage {
    let mut sum = Coverage::default();
    let mut unparsed: BTreeMap<(Protocol, model::UnparsedReason), u64> = BTreeMap::new();
    let mut vlans: BTreeMap<u16, u64> = BTreeMap::new();
    for part in parts {
        sum.header = part.header;
        sum.frames += part.frames;
        sum.bytes += part.bytes;
        sum.cut_frames += part.cut_frames;
        sum.dropped_frames = match (sum.dropped_frames, part.dropped_frames) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        sum.duplicate_frames += part.duplicate_frames;
        sum.flows += part.flows;
        sum.flows_without_start += part.flows_without_start;
        sum.flows_one_sided += part.flows_one_sided;
        sum.flows_evicted += part.flows_evicted;
        sum.gap_bytes += part.gap_bytes;
        part.unparsed.iter().for_each(|u| *unparsed.entry((u.protocol, u.reason)).or_default() += u.count);
        part.vlans.iter().for_each(|(id, frames)| *vlans.entry(*id).or_default() += frames);
    }
    sum.unparsed = unparsed
        .into_iter()
        .map(|((protocol, reason), count)| model::Unparsed { protocol, reason, count })
        .collect();
    sum.unparsed.sort_by_key(|u| std::cmp::Reverse(u.count));
    sum.vlans = vlans.into_iter().collect();
    sum
}

/// For [`identity`]: a claim from what was heard.
pub(super) fn claim(heard: &Heard, confidence: u8) -> Claim {
    Claim {
        attribute: heard.attribute,
        value: heard.value.clone(),
        source: heard.source,
        first_seen: heard.first_seen,
        last_seen: heard.last_seen,
        confidence,
    }
}
