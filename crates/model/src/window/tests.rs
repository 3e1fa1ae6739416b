use super::*;
use proptest::prelude::*;

fn wall(text: &str) -> Wall {
    Wall::parse_ical(text).unwrap()
}

fn hours(start: &str, end: &str, rule: &str) -> Hours {
    let rule = if rule.is_empty() { String::new() } else { format!("RRULE:{rule}\n") };
    format!("BEGIN:VEVENT\nDTSTART:{start}\nDTEND:{end}\n{rule}END:VEVENT").parse().unwrap()
}

#[test]
fn a_calendar_of_others_is_read() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
                SUMMARY;LANGUAGE=en:Pump\r\n s\r\nDTSTART:20261122T\r\n 020000\r\nDTEND:20261122T040000\r\n\
                rrule:FREQ=WEEKLY;BYDAY=SU,we;WKST=MO\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let hours: Hours = text.parse().unwrap();
    assert_eq!(
        hours.to_string(),
        "BEGIN:VEVENT\r\nDTSTART:20261122T020000\r\nDTEND:20261122T040000\r\nRRULE:FREQ=WEEKLY;BYDAY=WE,SU\r\nEND:VEVENT\r\n"
    );
    assert_eq!(hours.next_after(wall("20261122T020000")), Some(wall("20261125T020000")));
}

#[test]
fn open_from_its_first_second_to_before_its_last() {
    let once = hours("20261122T230000", "20261123T010000", "");
    for (at, open) in [
        ("20261122T225959", false),
        ("20261122T230000", true),
        ("20261123T005959", true),
        ("20261123T010000", false),
        ("20261123T233000", false),
    ] {
        assert_eq!(once.is_open(wall(at)), open, "{at}");
    }
    assert_eq!(once.next_after(wall("20261122T230000")), None);
    assert_eq!(once.next_after(wall("19700101T000000")), Some(once.start()));
    let daily = hours("20261122T230000", "20261123T010000", "FREQ=DAILY;COUNT=3");
    assert!(daily.is_open(wall("20261125T000000")) && !daily.is_open(wall("20261126T000000")));
}

#[test]
fn rules_by_the_calendar() {
    for (start, rule, after, next) in [
        ("20261122T020000", "FREQ=DAILY;INTERVAL=3", "20261122T020000", Some("20261125T020000")),
        ("20261122T020000", "FREQ=WEEKLY", "20261122T020000", Some("20261129T020000")),
        // Every other week, Monday and Sunday: weeks begin on Monday.
        ("20261122T020000", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", "20261122T020000", Some("20261130T020000")),
        ("20261122T020000", "FREQ=WEEKLY;COUNT=2", "20261129T020000", None),
        ("20261122T020000", "FREQ=WEEKLY;UNTIL=20261129T015959", "20261122T020000", None),
        ("20261122T020000", "FREQ=WEEKLY;UNTIL=20261129T020000", "20261122T020000", Some("20261129T020000")),
        ("20260131T020000", "FREQ=MONTHLY", "20260131T020000", Some("20260331T020000")),
        ("20261130T020000", "FREQ=MONTHLY;BYDAY=-1MO", "20261130T020000", Some("20261228T020000")),
        ("20261110T020000", "FREQ=MONTHLY;BYDAY=2TU", "20261110T020000", Some("20261208T020000")),
        ("20261110T020000", "FREQ=MONTHLY;BYDAY=2TU;COUNT=2", "20261208T020000", None),
        (
            "20240229T020000",
            "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=29",
            "20240229T020000",
            Some("20280229T020000"),
        ),
    ] {
        let end = start.replace("T02", "T04");
        let next = next.map(wall);
        assert_eq!(hours(start, &end, rule).next_after(wall(after)), next, "{start} {rule}");
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let event = |inside: &str| {
        format!("BEGIN:VEVENT\nDTSTART:20261122T020000\nDTEND:20261122T040000\n{inside}END:VEVENT")
    };
    for (text, named) in [
        (String::new(), "no whole event"),
        ("BEGIN:VEVENT\nEND:VEVENT".into(), "DTSTART"),
        ("nonsense".into(), "nonsense"),
        (event("EXDATE:20261129T020000\n"), "EXDATE"),
        (event("STATUS:CANCELLED\n"), "STATUS"),
        (event("DTSTART:20261122T020000\n"), "twice"),
        (event("RRULE:FREQ=YEARLY\n"), "YEARLY"),
        (event("RRULE:FREQ=WEEKLY;BYDAY=MO\n"), "not on a day of its RRULE"),
        (event("RRULE:FREQ=WEEKLY;BYSETPOS=1\n"), "BYSETPOS"),
        (event("RRULE:FREQ=DAILY;INTERVAL=0\n"), "INTERVAL"),
        (event("RRULE:FREQ=DAILY;COUNT=1;UNTIL=20261122T020000\n"), "COUNT and UNTIL"),
        (event("BEGIN:VALARM\nEND:VALARM\n"), "VALARM"),
        (event("").replace("DTEND:20261122T04", "DTEND:20261122T02"), "not after"),
        (event("").replace("DTEND:20261122", "DTEND:20261130"), "more than a week"),
        (event("").replace("DTSTART:20261122T020000", "DTSTART;TZID=Europe/Berlin:20261122T020000"), "TZID"),
        (event("").replace("DTSTART:20261122T020000", "DTSTART:20261122T020000Z"), "site's clock"),
        (format!("{}\n{}", event(""), event("")), "several events"),
        ("x".repeat(WINDOW_BYTES_MAX + 1), "longer"),
    ] {
        let error = text.parse::<Hours>().unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}

/// Lines of events, right and wrong.
fn line() -> impl Strategy<Value = String> {
    let rule = "RRULE:FREQ=(DAILY|WEEKLY|MONTHLY)(;INTERVAL=[0-9]{1,3})?(;BYDAY=-?[0-6]?(MO|SU)(,TU)?|;BYMONTHDAY=[0-9]{1,2})?(;COUNT=[0-9]{1,4}|;UNTIL=20[0-9]{2}0[1-9]1[0-9]T020000)?";
    prop_oneof![Just(String::new()), rule, "[A-Z]{1,8}[:;=][ -~]{0,10}", "\\PC{0,12}"]
}

proptest! {
    #[test]
    fn shown_and_read_is_the_same(extra in line(), day in 0i64..80_000, second in 0u32..86_400) {
        let text = format!("BEGIN:VEVENT\r\nDTSTART:20261122T220000\r\nDTEND:20261123T020000\r\n{extra}\r\nEND:VEVENT\r\n");
        if let Ok(hours) = text.parse::<Hours>() {
            prop_assert_eq!(hours.to_string().parse::<Hours>().unwrap(), hours.clone());
            let at = Wall::on(day, second);
            if let Some(next) = hours.next_after(at) {
                prop_assert!(next > at && hours.is_open(next));
            }
        }
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,80}", lines in proptest::collection::vec(line(), 0..8)) {
        let _ = text.parse::<Hours>();
        let _ = lines.join("\n").parse::<Hours>();
    }
}
