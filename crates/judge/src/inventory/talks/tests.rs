use super::*;
use crate::made_up::{HOUR_S, activity, at, flow, in_domain, key, time};
use model::Record;

fn folded(talks: &mut Talks, record: &Record) -> Option<(TalkKey, bool)> {
    match record {
        Record::Activity(activity) => talks.fold(activity),
        Record::Flow(flow) => talks.fold_flow(flow),
        _ => None,
    }
}

fn dicom(seconds: u64) -> Record {
    at(activity("10.0.0.1", "10.0.0.2"), seconds)
}

#[test]
fn an_activity_is_part_of_one_talk_an_hour_and_a_flow_is_counted_with_it() {
    let mut talks = Talks::new(1);
    let (first, is_new) = folded(&mut talks, &dicom(0)).unwrap();
    assert!(is_new);
    assert_eq!((first.client, first.server, first.hour), (key("10.0.0.1"), key("10.0.0.2"), time(0).hour()));
    assert_eq!(folded(&mut talks, &dicom(60)), Some((first, false)));
    assert_eq!(folded(&mut talks, &flow("10.0.0.1", "10.0.0.2", [1, 1])), Some((first, false)));
    let (later, is_new) = folded(&mut talks, &dicom(2 * HOUR_S)).unwrap();
    assert!(is_new && later.hour == first.hour + 2);
    let (_, sums) = talks.iter().find(|(key, _)| **key == first).unwrap();
    assert_eq!((sums.flows, sums.verbs.as_slice()), (1, &[("C-STORE-RQ".into(), 6)][..]));
}

#[test]
fn what_changed_is_taken_once_and_written_hours_are_forgotten() {
    let mut talks = Talks::new(1);
    let (early, _) = folded(&mut talks, &dicom(0)).unwrap();
    let (late, _) = folded(&mut talks, &dicom(2 * HOUR_S)).unwrap();
    folded(&mut talks, &dicom(1));
    assert_eq!(talks.dirty_len(), 2);
    let taken = talks.take_dirty(1);
    assert_eq!(taken.iter().map(|(key, sums)| (*key, sums.verbs[0].1)).collect::<Vec<_>>(), [(early, 6)]);
    assert_eq!(talks.close_hours_before(late.hour + 1), 1, "the late one is not written yet");
    assert_eq!(talks.take_dirty(10).len(), 1);
    assert!(talks.take_dirty(10).is_empty());
    talks.mark_dirty(late);
    talks.mark_dirty(late);
    assert_eq!((talks.dirty_len(), talks.close_hours_before(u32::MAX)), (1, 0));
    assert_eq!(talks.take_dirty(10).len(), 1);
    assert_eq!((talks.close_hours_before(u32::MAX), talks.len()), (1, 0));
    assert!(talks.services.is_empty());
}

#[test]
fn a_talk_put_back_goes_on_where_it_was() {
    let mut talks = Talks::new(1);
    folded(&mut talks, &dicom(0));
    let (key, sums) = talks.take_dirty(1).remove(0);
    let mut again = Talks::new(2);
    assert!(again.insert(key, sums.clone()));
    assert!(again.take_dirty(1).is_empty());
    assert_eq!(folded(&mut again, &dicom(60)), Some((key, false)));
    assert_eq!(again.take_dirty(1)[0].1.verbs, [("C-STORE-RQ".into(), 6)]);
    // Putting back over what changed takes that back, too.
    folded(&mut again, &dicom(61));
    assert!(again.insert(key, sums.clone()));
    assert_eq!((again.dirty_len(), again.iter().next().unwrap().1), (0, &sums));
}

#[test]
fn services_of_a_pair_stay_few_and_domains_apart() {
    let mut talks = Talks::new(1);
    for port in 1..=40 {
        let mut record = dicom(0);
        if let Record::Activity(activity) = &mut record {
            activity.service_port = port;
        }
        folded(&mut talks, &record);
        folded(&mut talks, &in_domain(record, 1));
    }
    assert_eq!(talks.len(), 2 * (SERVICES_PER_PAIR_MAX + 1));
    let all = between_devices(talks.iter(), |_| None);
    let various: Vec<&Talk> = all.iter().filter(|talk| talk.service_port == 0).collect();
    assert_eq!(various.len(), 2);
    assert!(various.iter().all(|talk| talk.verbs == [("C-STORE-RQ".into(), 3 * 24)]));
}
