//! What sensors see and miss: sequence numbers, the counters of Coverage, and the hours in which something is wrong with them.

use super::minute::MINUTE;
use super::rhythm::{DAY_MINUTES, LocalMinute};
use super::site::Site;
use model::{
    Coverage, Duration, Header, Protocol, SCHEMA_VERSION, SensorId, Timestamp, Unparsed, UnparsedReason,
};
use std::ops::Range;

/// Minutes that the clock of a sensor stays back.
const CLOCK_BACK_MINUTES: u64 = 30;
/// Minutes over which the devices of a storm start.
const STORM_MINUTES: u64 = 2;
/// Largest VLAN identifier and one.
const VLANS: usize = 4096;

/// One listening point.
#[derive(Debug)]
pub(super) struct Sensor {
    id: SensorId,
    sequence: u64,
    coverage: Coverage,
    vlan_frames: Vec<u64>,
    troubles: Troubles,
}

/// When something is wrong on one local day, in minutes since the epoch.
#[derive(Clone, Debug, Default)]
pub(super) struct Troubles {
    day: Option<u64>,
    gap: Range<u64>,
    retransmission: Range<u64>,
    duplicate: Range<u64>,
    clock_back: Range<u64>,
    storm: Range<u64>,
    storm_building: u32,
}

impl Troubles {
    /// The troubles of a sensor on the day of a minute.
    fn of(site: &Site, sensor: u32, local: &LocalMinute) -> Self {
        let faults = &site.plan.faults;
        let midnight = local.minute - local.of_day.min(local.minute);
        let window = |what: u64, minutes: u64| {
            let draw = site.hash([0xfa17 + what, u64::from(sensor), local.day]);
            let from = midnight + draw % (DAY_MINUTES - minutes.min(DAY_MINUTES - 1));
            from..from + minutes
        };
        let clock_back = sensor == 0 && faults.clock_step_back > Duration::default();
        let buildings = site.places.last().map_or(1, |last| last.building + 1);
        let ours = site.plan.sensors;
        let nth = site.hash([0x5702, u64::from(sensor), local.day]) as u32 % buildings.div_ceil(ours);
        Self {
            day: Some(local.day),
            gap: window(1, faults.gap_minutes.into()),
            retransmission: window(2, faults.retransmission_minutes.into()),
            duplicate: window(3, faults.duplicate_minutes.into()),
            clock_back: window(4, if clock_back { CLOCK_BACK_MINUTES } else { 0 }),
            storm: window(5, if faults.reboot_storms { STORM_MINUTES } else { 0 }),
            storm_building: nth * ours + sensor,
        }
    }

    /// Every device of the building starts anew; odd and even ones in turn.
    pub(super) fn is_storm(&self, minute: u64, building: u32, slot: u32) -> bool {
        self.storm.contains(&minute)
            && building == self.storm_building
            && (minute - self.storm.start) % STORM_MINUTES == u64::from(slot) % STORM_MINUTES
    }

    pub(super) fn is_dark(&self, minute: u64) -> bool {
        self.gap.contains(&minute)
    }

    pub(super) fn is_retransmitting(&self, minute: u64) -> bool {
        self.retransmission.contains(&minute)
    }

    pub(super) fn is_doubled(&self, minute: u64) -> bool {
        self.duplicate.contains(&minute)
    }
}

impl Sensor {
    pub(super) fn new(number: u32) -> Self {
        Self {
            id: SensorId(number + 1),
            sequence: 0,
            coverage: Coverage { dropped_frames: Some(0), ..Coverage::default() },
            vlan_frames: vec![0; VLANS],
            troubles: Troubles::default(),
        }
    }

    /// To be called before a minute is planned.
    pub(super) fn begin(&mut self, site: &Site, number: u32, local: &LocalMinute) -> &Troubles {
        if self.troubles.day != Some(local.day) {
            self.troubles = Troubles::of(site, number, local);
        }
        &self.troubles
    }

    pub(super) fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    /// What its clock shows at a moment.
    pub(super) fn clock(&self, site: &Site, at: u64) -> Timestamp {
        let back = if self.troubles.clock_back.contains(&(at / MINUTE)) {
            site.plan.faults.clock_step_back.as_nanos()
        } else {
            0
        };
        Timestamp::from_nanos(at - back.min(at))
    }

    /// The header of its next record. The core, whose clock is right, takes it in at once.
    pub(super) fn header(&mut self, site: &Site, at: u64) -> Header {
        self.sequence += 1;
        Header {
            schema: SCHEMA_VERSION,
            site: site.plan.site,
            sensor: self.id,
            sequence: self.sequence,
            observed_at: self.clock(site, at),
            received_at: Timestamp::from_nanos(at),
        }
    }

    /// Frames that it saw, or that the capture dropped.
    pub(super) fn count(&mut self, frames: u64, bytes: u64, vlan: Option<u16>, is_dark: bool) {
        if is_dark {
            let dropped = self.coverage.dropped_frames.unwrap_or_default();
            self.coverage.dropped_frames = Some(dropped + frames);
            return;
        }
        self.coverage.frames += frames;
        self.coverage.bytes += bytes;
        if let Some(sum) = vlan.and_then(|vlan| self.vlan_frames.get_mut(usize::from(vlan))) {
            *sum += frames;
        }
    }

    pub(super) fn count_flow(&mut self, flow: &model::Flow) {
        self.coverage.flows += 1;
        self.coverage.duplicate_frames += flow.duplicate_packets;
        self.coverage.flows_without_start += u64::from(!flow.complete_start);
    }

    /// What it saw and missed since it started.
    pub(super) fn coverage(&mut self, site: &Site, at: u64) -> Coverage {
        let header = self.header(site, at);
        // Spanning tree at least is on every link, and is not read.
        let count = self.coverage.frames / 500;
        let unparsed =
            vec![Unparsed { protocol: Protocol::Unknown, reason: UnparsedReason::LinkProtocol, count }];
        let vlans = (0u16..).zip(&self.vlan_frames).filter(|(_, frames)| **frames > 0);
        Coverage {
            header,
            unparsed,
            vlans: vlans.map(|(id, frames)| (id, *frames)).collect(),
            ..self.coverage.clone()
        }
    }

    /// Records so far.
    pub(super) const fn records(&self) -> u64 {
        self.sequence
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.vlan_frames.capacity() * size_of::<u64>()
    }
}
