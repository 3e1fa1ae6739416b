//! Lists, held against the plainest way to make them.

use super::sample::plain;
use super::*;
use crate::when::Zone;
use model::{Attribute, Conflict};
use std::collections::BTreeSet;

const NOW: Timestamp = Timestamp::from_secs(1_795_357_200);

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn word(&mut self, words: &[&'static str]) -> Option<Text> {
        let chosen = self.roll(words.len() as u64 + 1) as usize;
        words.get(chosen).map(|word| Text::new_static(word))
    }

    fn entry(&mut self, number: u64) -> Entry {
        let conflict = Conflict {
            attribute: Attribute::Model,
            chosen: "a".into(),
            others: vec!["b".into()],
            reason: "by confidence".into(),
        };
        Entry {
            id: DeviceId(number),
            name: self.word(&["pump 2", "Pump 10", "monitor", "ünit", "pump 1"]),
            serial: self.word(&["7", "8"]),
            class: self.word(&["infusion pump", "monitor"]),
            zone: self.word(&["icu", "er", "unknown"]),
            manufacturer: self.word(&["Acme", "Zeta"]),
            model: self.word(&["M1", "m1", "M2"]),
            tags: self.word(&["spare", "loan"]).into_iter().collect(),
            vlans: if self.roll(3) == 0 { vec![] } else { vec![10, 20 + self.roll(2) as u16] },
            ips: (0..self.roll(3)).map(|_| [10, 20, self.roll(4) as u8, self.roll(9) as u8].into()).collect(),
            conflicts: if self.roll(5) == 0 { vec![conflict] } else { vec![] },
            findings: FindingCounts {
                high: self.roll(2) as u16,
                low: self.roll(3) as u16,
                ..FindingCounts::default()
            },
            reviewed: self.roll(2) == 0,
            is_router: self.roll(20) == 0,
            phi_in_clear: self.roll(10) == 0,
            first_seen: Timestamp::from_secs(NOW.as_secs() - self.roll(3_000_000)),
            last_seen: Timestamp::from_secs(NOW.as_secs() - self.roll(900_000)),
            ..plain(number as u8)
        }
    }
}

/// An inventory that lived: devices came, changed, were seen again and went; and what it should hold.
fn lived() -> (Inventory, Vec<Entry>) {
    let (inventory, mut dice) = (Inventory::new(), Dice(7));
    let mut held = std::collections::BTreeMap::new();
    for round in 0..1_500 {
        let number = dice.roll(400);
        if dice.roll(4) == 0 {
            held.remove(&number);
            inventory.apply(vec![Change::Gone(DeviceId(number))]);
        } else {
            let entry = dice.entry(number);
            held.insert(number, entry.clone());
            inventory.apply(vec![Change::Is(Box::new(entry))]);
        }
        if let Some(entry) = held.get_mut(&dice.roll(400)).filter(|_| round % 3 == 0) {
            entry.last_seen = Timestamp::from_secs(NOW.as_secs() - dice.roll(90_000));
            inventory.set_last_seen(&[(entry.id, entry.last_seen), (DeviceId(9_999), NOW)]);
        }
    }
    (inventory, held.into_values().collect())
}

fn list(inventory: &Inventory, text: &str) -> Listed {
    inventory.list(&Query::parse(text).unwrap(), NOW, &Zone::UTC).unwrap()
}

fn ids<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<u64> {
    entries.into_iter().map(|entry| entry.id.0).collect()
}

#[test]
fn filters_find_what_going_through_all_finds() {
    let (inventory, held) = lived();
    assert_eq!(inventory.len(), held.len());
    let at_least = |entry: &Entry, seconds: u64| NOW.as_secs() - entry.last_seen.as_secs() <= seconds;
    type Test<'t> = (&'static str, Box<dyn Fn(&Entry) -> bool + 't>);
    let tests: Vec<Test<'_>> = vec![
        ("", Box::new(|_| true)),
        ("zone=icu", Box::new(|e| e.zone.as_deref() == Some("icu"))),
        ("zone=icu&zone=er", Box::new(|e| matches!(e.zone.as_deref(), Some("icu" | "er")))),
        ("zone=unknown", Box::new(|e| matches!(e.zone.as_deref(), None | Some("unknown")))),
        (
            "state=in-doubt&class=monitor",
            Box::new(|e| e.is_in_doubt() && e.class.as_deref() == Some("monitor")),
        ),
        ("state=unknown", Box::new(|e| !e.is_in_doubt() && !e.is_known())),
        ("severity=low", Box::new(|e| e.findings.low > 0)),
        ("severity=none", Box::new(|e| e.findings.total() == 0)),
        ("vlan=20&vlan=21", Box::new(|e| e.vlans.contains(&20) || e.vlans.contains(&21))),
        ("tag=spare&review=accepted", Box::new(|e| e.reviewed && e.tags == ["spare"])),
        ("phi=yes", Box::new(|e| e.phi_in_clear)),
        ("seen=hour", Box::new(|e| at_least(e, 3_600))),
        ("seen=day&seen=older", Box::new(|e| at_least(e, 86_400) || !at_least(e, 604_800))),
        ("new=2026-11-20", Box::new(|e| e.first_seen >= Timestamp::from_secs(1_795_132_800))),
        ("new=1960-01-01", Box::new(|_| true)),
        ("new=9000-01-01", Box::new(|_| false)),
        ("new=today", Box::new(|e| e.first_seen >= Timestamp::from_secs(1_795_305_600))),
        (
            "q=PUMP",
            Box::new(|e| {
                [&e.name, &e.class].into_iter().flatten().any(|w| w.to_lowercase().contains("pump"))
            }),
        ),
        ("q=10.20.2.0/24", Box::new(|e| e.ips.iter().any(|ip| ip.to_string().starts_with("10.20.2.")))),
    ];
    for (text, test) in tests {
        let listed = list(&inventory, &format!("{text}&limit=500&facets=yes"));
        let mut found = ids(listed.entries.iter().map(|entry| &**entry));
        found.sort_unstable();
        let expected: Vec<&Entry> = held.iter().filter(|entry| test(entry)).collect();
        assert_eq!(found, ids(expected.iter().copied()), "{text}");
        assert_eq!((listed.total, listed.of, listed.next), (expected.len(), held.len(), None), "{text}");
        let known = expected.iter().filter(|entry| entry.is_known()).count();
        let sum = listed.tally.known + listed.tally.in_doubt + listed.tally.unknown;
        assert_eq!((listed.tally.known as usize, sum as usize), (known, expected.len()), "{text}");
        for entry in &listed.entries {
            assert_eq!(Some(&**entry), held.iter().find(|held| held.id == entry.id), "as it was last told");
        }
    }
}

#[test]
fn counts_leave_their_own_filter_out() {
    let (inventory, held) = lived();
    let listed = list(&inventory, "zone=icu&class=monitor&tag=gone&facets=yes");
    let count = |facet: Facet, value: &str| {
        let counts = listed.facets.iter().find(|counts| counts.facet == facet).unwrap();
        counts.values.iter().find(|found| found.value == value).map(|found| (found.count, found.chosen))
    };
    assert_eq!(listed.total, 0);
    assert_eq!(count(Facet::Tag, "gone"), Some((0, true)), "what is asked for can be taken back");
    let both = |e: &&Entry| e.zone.as_deref() == Some("icu") && e.class.as_deref() == Some("monitor");
    let spare = held.iter().filter(both).filter(|e| e.tags == ["spare"]).count();
    assert_eq!(count(Facet::Tag, "spare"), Some((spare as u32, false)));
    assert_eq!(count(Facet::Class, "monitor"), Some((0, true)), "the tag leaves nothing");
    let listed = list(&inventory, "zone=icu&facets=yes");
    let zones = listed.facets.iter().find(|counts| counts.facet == Facet::Zone).unwrap();
    let er = held.iter().filter(|e| e.zone.as_deref() == Some("er")).count();
    assert_eq!(zones.values.iter().find(|value| value.value == "er").unwrap().count as usize, er);
    assert_eq!(zones.values[0].value, "icu", "what is chosen is first");
}

#[test]
fn pages_follow_each_other_by_every_column() {
    let (inventory, held) = lived();
    for column in Column::ALL {
        for sign in ["", "-"] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let text = format!("sort={sign}{}&limit=7", column.name());
                let query = Query { after, ..Query::parse(&text).unwrap() };
                let listed = inventory.list(&query, NOW, &Zone::UTC).unwrap();
                found.extend(ids(listed.entries.iter().map(|entry| &**entry)));
                after = listed.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found.len(), held.len(), "{sign}{}", column.name());
            assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), held.len(), "{sign}{}", column.name());
            let whole = inventory.matching(
                &Query::parse(&format!("sort={sign}{}", column.name())).unwrap(),
                NOW,
                &Zone::UTC,
            );
            assert_eq!(ids(whole.iter().map(|entry| &**entry)), found);
        }
    }
}

#[test]
fn what_has_no_value_is_last_both_ways() {
    let (inventory, _) = lived();
    for (text, first) in [("sort=name&limit=500", "monitor"), ("sort=-name&limit=500", "ünit")] {
        let names: Vec<_> = list(&inventory, text).entries.iter().map(|entry| entry.name.clone()).collect();
        assert_eq!(names[0].as_deref(), Some(first), "{text}");
        let blanks = names.iter().filter(|name| name.is_none()).count();
        assert!(blanks > 0 && names[names.len() - blanks..].iter().all(Option::is_none), "{text}");
    }
    let numbers = |text: &str| list(&inventory, text).entries[0].findings.total();
    assert_eq!((numbers("sort=findings"), numbers("sort=-findings")), (0, 3));
}

#[test]
fn a_page_goes_on_where_its_last_device_is_gone() {
    let inventory = Inventory::new();
    let named = |number: u8, name: &str| Entry { name: Some(name.into()), ..plain(number) };
    let all = [(1, "a"), (2, "b"), (3, "c"), (4, "d")];
    inventory.apply(all.iter().map(|(number, name)| Change::Is(Box::new(named(*number, name)))).collect());
    for (sort, rest) in [("sort=name", [3, 4]), ("sort=-name", [2, 1])] {
        let first = list(&inventory, &format!("{sort}&limit=2"));
        let last = Arc::clone(&first.entries[1]);
        inventory.apply(vec![Change::Gone(last.id)]);
        let query = Query { after: first.next, ..Query::parse(&format!("{sort}&limit=2")).unwrap() };
        let second = inventory.list(&query, NOW, &Zone::UTC).unwrap();
        assert_eq!(ids(second.entries.iter().map(|e| &**e)), rest.map(|n| plain(n).id.0), "{sort}");
        inventory.apply(vec![Change::Is(Box::new((*last).clone()))]);
        let other = Query { after: query.after, ..Query::parse("sort=ip").unwrap() };
        assert!(inventory.list(&other, NOW, &Zone::UTC).unwrap_err().0.contains("another list"));
    }
    for after in ["x", "bnVsbA", "W10", "%"] {
        let query = Query { after: Some(after.into()), ..Query::default() };
        assert!(inventory.list(&query, NOW, &Zone::UTC).unwrap_err().0.contains("no cursor"), "{after}");
    }
}

#[test]
fn what_is_gone_leaves_nothing_behind() {
    let (inventory, held) = lived();
    inventory.apply(held.iter().map(|entry| Change::Gone(entry.id)).collect());
    let listed = list(&inventory, "facets=yes");
    assert_eq!((inventory.len(), listed.total, listed.entries.len()), (0, 0, 0));
    assert!(listed.facets.iter().all(|counts| counts.values.is_empty()));
    assert_eq!(list(&inventory, "q=pump").total, 0);
}

#[test]
fn differences_are_what_appeared_what_went_and_what_changed() {
    let (then, now) = (Inventory::new(), Inventory::new());
    let put = |inventory: &Inventory, entry: Entry| inventory.apply(vec![Change::Is(Box::new(entry))]);
    (1..=3).for_each(|number| put(&then, plain(number)));
    put(&now, Entry { last_seen: NOW, ..plain(2) });
    put(&now, Entry { zone: Some("icu".into()), ..plain(3) });
    put(&now, plain(4));
    let found = differences(&then, &now);
    assert_eq!(ids(found.gone.iter().map(|e| &**e)), [plain(1).id.0]);
    assert_eq!(ids(found.appeared.iter().map(|e| &**e)), [plain(4).id.0]);
    let (was, is) = &found.changed[0];
    assert_eq!((found.changed.len(), Differences::names(was, is)), (1, vec!["zone"]));
}
