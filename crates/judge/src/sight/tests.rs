use super::*;

const NOW: Timestamp = Timestamp::from_secs(100 * 3_600 + 1_200);
const SENSOR: SensorId = SensorId(7);

fn told(hour: u32, frames: u64, dropped: Option<u64>) -> SensorHour {
    let coverage = Coverage { frames, bytes: frames * 100, dropped_frames: dropped, ..Coverage::default() };
    SensorHour { sensor: SENSOR, hour, coverage }
}

fn sight(hours: Vec<SensorHour>) -> Sight {
    Sight::of(hours, Vec::new(), 76, NOW)
}

#[test]
fn what_was_counted_before_is_taken_off() {
    let seen = sight(vec![told(60, 1_000, Some(4)), told(99, 1_500, Some(4)), told(100, 1_700, Some(4))]);
    assert_eq!((seen.total().frames, seen.total().dropped_frames), (700, Some(0)));
    assert_eq!(seen.completeness, Completeness::Complete);
}

#[test]
fn a_sensor_that_starts_anew_counts_from_nothing() {
    let seen = sight(vec![told(98, 1_000, Some(0)), told(99, 200, Some(0)), told(100, 300, Some(0))]);
    assert_eq!(seen.total().frames, 1_300);
}

#[test]
fn drops_are_said_with_their_number() {
    let seen = sight(vec![told(100, 10, Some(3))]);
    assert_eq!(seen.completeness, Completeness::NotComplete(vec![Cause::Dropped(SENSOR, 3)]));
}

#[test]
fn what_cannot_be_told_is_not_clean() {
    let seen = sight(vec![told(100, 10, None)]);
    assert_eq!(seen.completeness, Completeness::Unchecked(vec![Cause::CannotTell(SENSOR)]));
    assert_eq!(seen.total().dropped_frames, None);
}

#[test]
fn silence_is_not_clean() {
    assert_eq!(sight(Vec::new()).completeness, Completeness::Unchecked(vec![Cause::Nobody]));
    assert_eq!(sight(vec![told(60, 5, Some(0))]).completeness, Completeness::Unchecked(vec![Cause::Nobody]));
    let silent = sight(vec![told(97, 5, Some(0))]);
    assert_eq!(silent.completeness, Completeness::Unchecked(vec![Cause::Silent(SENSOR, 97)]));
    assert!(silent.sensors[&SENSOR].is_silent);
}

#[test]
fn a_gap_is_not_complete() {
    let gap = Gap { source: "live:eth0".into(), from: NOW, to: NOW, reason: "ward was not running".into() };
    let seen = Sight::of(vec![told(100, 5, Some(0))], vec![gap], 76, NOW);
    assert_eq!(seen.completeness, Completeness::NotComplete(vec![Cause::Gaps(1)]));
}

#[test]
fn one_direction_only_is_the_mirrors_fault() {
    let mut hour = told(100, 5_000, Some(0));
    (hour.coverage.flows, hour.coverage.flows_one_sided) = (100, 19);
    assert_eq!(sight(vec![hour.clone()]).completeness, Completeness::Complete);
    hour.coverage.flows_one_sided = 20;
    let cause = Cause::OneSided(SENSOR, 20, 100);
    assert_eq!(sight(vec![hour]).completeness, Completeness::NotComplete(vec![cause]));
}
