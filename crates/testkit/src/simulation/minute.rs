//! What a device does in one minute, as a plan: moments and what happens at them, 24 bytes each. The plan of a minute is made
//! for all devices at once and spoken in order; the words are found only then.

use super::facts;
use super::rhythm::LocalMinute;
use super::roster::{Seen, Template};
use super::site::{Site, Stay};
use super::talk;
use crate::random::Random;

/// Minutes of talk a day that every device has, whatever people do.
const BACKGROUND_TALKS: u16 = 172;
/// Conversations in a minute of talk, at least and how many more by chance.
const FLOWS_MIN: usize = 18;
const FLOWS_MORE: usize = 25;
/// Facts and Activities in a minute of talk, at least: where little is counted, more is said.
const TOLD_MIN: u16 = 6;
/// Of visitors: minutes of talk a day, had they stayed all day.
const GUEST_TALKS: u16 = 360;
/// Nanoseconds of a second and of a minute.
pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MINUTE: u64 = 60 * SECOND;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// A frame from its link address: presence.
    Present,
    /// A frame with its network address; behind a router, one that the router forwarded.
    Addressed,
    /// A gateway names it.
    Named,
    /// The line of its DHCP.
    Dhcp(u16),
    /// It was given its address.
    Leased,
    /// The line of its facts.
    Fact(u16),
    /// A conversation over the service ends.
    Flow(u16),
    /// Bytes sent and received over the service in this minute, and messages.
    Sent(u16),
    Received(u16),
    Verb(u16),
    ReplyVerb(u16),
    /// Something worth an event.
    Event(u16),
    /// The sensor says what it saw.
    Coverage,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Planned {
    /// Nanoseconds since the epoch, by a right clock.
    pub(super) at: u64,
    /// The place on whose account it happens; for coverage the sensor.
    pub(super) slot: u32,
    /// Number within the minute of that place.
    pub(super) number: u16,
    pub(super) deed: Deed,
}

struct Sheet<'p> {
    out: &'p mut Vec<Planned>,
    slot: u32,
    number: u16,
}

impl Sheet<'_> {
    fn add(&mut self, at: u64, deed: Deed) {
        self.out.push(Planned { at, slot: self.slot, number: self.number, deed });
        self.number = self.number.wrapping_add(1);
    }
}

impl Site {
    /// Adds what a place does in a minute.
    pub(super) fn plan_place(&self, slot: u32, local: &LocalMinute, storm: bool, out: &mut Vec<Planned>) {
        let Some((_, template)) = self.place(slot) else { return };
        let (background, clinic) = self.talks(slot, template, local);
        let is_settled = template.is_settled();
        if background + clinic == 0 && !storm && is_settled {
            return;
        }
        let Some(stay) = self.stay(slot, local.minute) else { return };
        let from = local.minute * MINUTE;
        let mut random = Random::new(self.hash([0x714e, u64::from(slot), local.minute]));
        let mut sheet = Sheet { out, slot, number: 0 };
        let mut ready = from;
        if storm || (!is_settled && self.has_moved(slot, local.minute, &stay)) {
            start_up(template, from + below(&mut random, 10 * SECOND), &mut sheet);
            ready += 11 * SECOND;
        }
        for is_clinic in
            std::iter::repeat_n(false, background as usize).chain(std::iter::repeat_n(true, clinic as usize))
        {
            talk_a_minute(template, is_clinic, (ready, from + MINUTE), &mut random, &mut sheet);
        }
    }

    /// Minutes of talk that fall into this one: of the background, and because people work.
    pub(super) fn talks(&self, slot: u32, template: &Template, local: &LocalMinute) -> (u32, u32) {
        let draw = self.hash([0x07a1, u64::from(slot), local.day]);
        let phase = |bits: u64| (bits & 0xffff) as f32 / 65_536.0;
        let rhythm = &template.rhythm;
        let background = if template.seen == Seen::Guest { GUEST_TALKS } else { BACKGROUND_TALKS };
        let clinic = rhythm.clinic_talks.get(local.kind).copied().unwrap_or_default();
        (
            self.curves.due(rhythm.background, background, local.of_day, phase(draw)),
            self.curves.due(rhythm.clinic, clinic, local.of_day, phase(draw >> 16)),
        )
    }

    /// Came, or was given another address, since the minute before.
    fn has_moved(&self, slot: u32, minute: u64, stay: &Stay) -> bool {
        if minute == self.start {
            return false;
        }
        self.stay(slot, minute - 1).is_none_or(|before| {
            (before.generation, before.is_docked, before.ip) != (stay.generation, stay.is_docked, stay.ip)
        })
    }
}

/// A device starts: it asks for an address, is given one and announces it.
fn start_up(template: &Template, at: u64, sheet: &mut Sheet<'_>) {
    let mut at = at;
    let mut next = || {
        at += SECOND / 20;
        at
    };
    match template.seen {
        Seen::SpokenFor(_) => sheet.add(next(), Deed::Named),
        Seen::Routed => sheet.add(next(), Deed::Addressed),
        Seen::OnLink | Seen::Guest => {
            sheet.add(next(), Deed::Present);
            if template.has_lease {
                for line in 0..template.dhcp_facts.len() as u16 {
                    sheet.add(next(), Deed::Dhcp(line));
                }
                sheet.add(next(), Deed::Leased);
            }
            // Its announcement by ARP (RFC 5227) is the first of its facts, LLDP at link-up come next.
            let announced = if template.has_dock { facts::ANNOUNCED } else { 1 };
            (0..announced).for_each(|line| sheet.add(next(), Deed::Fact(line)));
            sheet.add(next(), Deed::Addressed);
        }
    }
}

/// A minute in which a device talks: conversations end at any time in it, what it says of itself is said at the first of them,
/// and what was counted is told at the end.
fn talk_a_minute(
    template: &Template,
    is_clinic: bool,
    (from, until): (u64, u64),
    random: &mut Random,
    sheet: &mut Sheet<'_>,
) {
    let already_told = sheet.number;
    let running = if is_clinic { &template.clinic } else { &template.background };
    let first = from + below(random, 30 * SECOND);
    match template.seen {
        Seen::OnLink | Seen::Guest => {
            sheet.add(first, Deed::Present);
            sheet.add(first + 1000, Deed::Addressed);
        }
        Seen::Routed => sheet.add(first, Deed::Addressed),
        Seen::SpokenFor(_) => sheet.add(first, Deed::Named),
    }
    let flows = FLOWS_MIN + random.below(FLOWS_MORE);
    let mut last_service = None;
    for _ in 0..flows {
        let at = first + 3000 + below(random, until - SECOND - first - 3000);
        if let Some(service) = talk::draw(running, random.number()) {
            sheet.add(at, Deed::Flow(service as u16));
            last_service = Some(service as u16);
        }
    }
    let flows = flows as u16;
    if let Some(service) = last_service {
        count_at_the_end(template, service, is_clinic, until - SECOND, random, sheet);
    }
    let told = sheet.number - already_told - flows;
    for _ in 0..TOLD_MIN.saturating_sub(told).max(1) {
        if !template.facts.is_empty() {
            sheet.add(first + 2000, Deed::Fact(random.below(template.facts.len()) as u16));
        }
    }
}

/// The Activities of the minute, for one of the services used.
fn count_at_the_end(
    template: &Template,
    service: u16,
    is_clinic: bool,
    at: u64,
    random: &mut Random,
    sheet: &mut Sheet<'_>,
) {
    let Some(kind) = template.services.get(usize::from(service)).map(|service| service.kind) else { return };
    let mut next = || at + below(random, SECOND - 1);
    let [client_verb, server_verb] = kind.verbs;
    sheet.add(next(), Deed::Sent(service));
    if kind.bytes.get(1).is_some_and(|(_, most)| *most > 0) {
        sheet.add(next(), Deed::Received(service));
    }
    if !client_verb.is_empty() {
        sheet.add(next(), Deed::Verb(service));
    }
    if !server_verb.is_empty() {
        sheet.add(next(), Deed::ReplyVerb(service));
    }
    if is_clinic && kind.event.is_some() {
        sheet.add(next(), Deed::Event(service));
    }
}

fn below(random: &mut Random, end: u64) -> u64 {
    random.below(usize::try_from(end).unwrap_or(usize::MAX)) as u64
}
