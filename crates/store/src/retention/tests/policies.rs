use super::*;

fn policy(rows: &[(&str, &str)]) -> Result<Policy, String> {
    Policy::from_rows(SITE, rows.iter().copied()).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_those_that_are_documented() {
    let policy = Policy::default();
    let days: Vec<(&str, u32)> = policy.keeps().iter().map(|keep| (keep.rule.name, keep.days)).collect();
    let six_years = 2_192;
    assert_eq!(
        days,
        [
            ("flows", 90),
            ("aggregates", 365),
            ("events", 365),
            ("coverage", 90),
            ("gaps", six_years),
            ("findings", six_years),
            ("inventory", six_years),
            ("acts", 30),
            ("outbox", 30),
            ("cursors", 30),
        ]
    );
    let page = include_str!("../../../../../docs/operate/retention.md");
    for keep in policy.keeps() {
        let line = format!("| `{}` |", keep.rule.name);
        assert!(page.lines().any(|text| text.starts_with(&line)), "docs/operate/retention.md: {line}");
    }
}

#[test]
fn fewer_days_than_the_law_asks_for_need_a_reason() {
    let error = policy(&[("retention:findings", r#"{"days": 365}"#)]).unwrap_err();
    assert_eq!(
        error,
        "policy `retention:findings`: 365 days are fewer than 2192 (45 CFR 164.316(b)(2)(i): documentation is kept \
         for six years): say why in \"reason\", in 10 characters or more"
    );
    assert!(policy(&[("retention:findings", r#"{"days": 365, "reason": "  short  "}"#)]).is_err());
    let reasoned = r#"{"days": 365, "reason": "outside the United States; works agreement 12"}"#;
    assert_eq!(policy(&[("retention:findings", reasoned)]).unwrap().days("findings"), 365);
    assert_eq!(policy(&[("retention:flows", r#"{"days": 14}"#)]).unwrap().days("flows"), 14);
}

#[test]
fn what_cannot_be_is_refused_with_the_way_out() {
    for (name, value, says) in [
        ("retention:flow", r#"{"days": 9}"#, "no such rule; there are: flows, aggregates"),
        ("retention:ledger", r#"{"days": 9}"#, "the ledger is append-only"),
        ("retention:flows", "90", "write {\"days\": 90"),
        ("retention:flows", r#"{"days": -1}"#, "write {\"days\": 90"),
        ("retention:flows", r#"{"days": 9, "hours": 2}"#, "unknown field `hours`"),
        ("retention:flows", r#"{"days": 0}"#, "0 days; from 1 to 36525 can be kept"),
        ("retention:flows", r#"{"days": 40000}"#, "from 1 to 36525"),
        ("retention:coverage", r#"{"days": 30}"#, "fewer than the 90 of flows: silence"),
        ("retention:aggregates", r#"{"days": 30}"#, "fewer than the 90 of flows: sums"),
        ("hold:x", r#"{"from": "2026-02-30", "reason": "a long enough reason"}"#, "`2026-02-30` is no date"),
        ("hold:x", r#"{"from": "2026-02-02", "to": "2026-01-01", "reason": "long enough"}"#, "ends before"),
        ("hold:x", r#"{"from": "2026-02-02", "reason": ""}"#, "say why"),
        ("hold:x", "{}", "missing field `from`"),
    ] {
        let error = policy(&[(name, value)]).unwrap_err();
        assert!(error.starts_with("policy `") && error.contains(says), "{error}");
    }
    let rows: Vec<(String, &str)> = (0..=HOLDS_MAX)
        .map(|n| (format!("hold:{n}"), r#"{"from": "2026-01-01", "reason": "a court asked for it"}"#))
        .collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert!(policy(&rows[..HOLDS_MAX]).is_ok());
    assert!(policy(&rows).unwrap_err().contains("more than 64 holds"));
}

#[test]
fn coverage_goes_with_flows_unless_it_is_said() {
    assert_eq!(policy(&[("retention:flows", r#"{"days": 120}"#)]).unwrap().days("coverage"), 120);
    let both = [("retention:coverage", r#"{"days": 400}"#), ("retention:flows", r#"{"days": 120}"#)];
    assert_eq!(policy(&both).unwrap().days("coverage"), 400);
}

#[test]
fn a_policy_explains_itself() {
    let lines = policy(&[
        ("retention:flows", r#"{"days": 14, "reason": "small disk until spring"}"#),
        ("hold:case-12", r#"{"from": "2026-01-01", "to": "2026-03-31", "reason": "letter of counsel"}"#),
        ("hold:open", r#"{"from": "2026-06-01", "reason": "letter of counsel"}"#),
    ])
    .unwrap()
    .explain();
    for line in [
        "flows: record blocks, deleted; hourly talks, summed by day, 14 days after the time on the wire \
         (set: small disk until spring)",
        "aggregates: daily sums of talks, deleted, 12 months after the day they sum (by default)",
        "gaps: times when nobody listened, deleted, 6 years after their end (by default)",
        "ledger: every leaf, for good",
        "hold case-12: nothing from 2026-01-01 to 2026-03-31 is deleted (letter of counsel)",
        "hold open: nothing from 2026-06-01 until it is lifted is deleted (letter of counsel)",
    ] {
        assert!(lines.iter().any(|said| said == line), "{line}\nnot in\n{}", lines.join("\n"));
    }
}

/// A row that nobody understands may be a hold: nothing is deleted then.
#[test]
fn a_row_that_cannot_be_read_stops_everything() {
    let mut hospital = Hospital::new();
    hospital.put(&crate::table::POLICIES, vec!["hold:case".into(), "2026".into()]);
    let error = Policy::read(hospital.store.db(), SITE).unwrap_err();
    assert!(matches!(error, crate::StoreError::Refused(_)), "{error}");
    // Another site's rows are its own.
    assert_eq!(Policy::read(hospital.store.db(), SiteId(2)).unwrap(), Policy::of(SiteId(2)));
}
