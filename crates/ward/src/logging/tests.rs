//! What comes out of an event, and that no event in the source says more than it may.

use super::*;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(format: LogFormat, level: LogLevel, say: impl FnOnce()) -> String {
    let kept = Kept::default();
    let out = kept.clone();
    let subscriber = subscriber(Log { format, level }, move || out.clone());
    tracing::subscriber::with_default(subscriber, say);
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn fields_off_the_list_are_redacted() {
    let text = written(LogFormat::Text, LogLevel::Info, || {
        tracing::info!(target: "ward::x", records = 7, host_name = "pump-17", patient = ?"DOE^JOHN", "a batch is durable");
    });
    assert!(
        text.ends_with(
            "INFO  ward::x: a batch is durable records=7 host_name=[redacted] patient=[redacted]\n"
        ),
        "{text}"
    );
    assert!(!text.contains("pump") && !text.contains("DOE"), "{text}");
}

#[test]
fn json_lines_are_documents() {
    let text = written(LogFormat::Json, LogLevel::Info, || {
        tracing::warn!(target: "ward::x", file = "a \"b\"\nc\u{1b}[31m.pcap", gap_s = 1.5, done = true, mac = 1, "odd");
    });
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert_eq!(line["level"], "warn");
    assert_eq!(line["message"], "odd");
    assert_eq!(line["fields"]["file"], "a \"b\" c [31m.pcap");
    assert_eq!(line["fields"]["gap_s"], 1.5);
    assert_eq!(line["fields"]["done"], true);
    assert_eq!(line["fields"]["mac"], REDACTED);
    assert!(line["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}

#[test]
fn levels_and_rooms_are_filtered() {
    let text = written(LogFormat::Text, LogLevel::Info, || {
        tracing::debug!(target: "ward::x", "too fine");
        tracing::error!(target: "hyper::proto", "GET /patients/17");
        tracing::info!(target: "store::tx", "kept");
    });
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("store::tx: kept"), "{text}");
}

#[test]
fn values_are_bounded() {
    assert_eq!(readable(&"x".repeat(10_000)).len(), VALUE_BYTES_MAX + '…'.len_utf8());
    assert_eq!(readable("fdp.\u{202e}rotinoM"), "fdp. rotinoM");
}

/// Every event in the source: names of its fields on the list, no value within its message.
#[test]
fn no_event_in_the_source_says_more_than_it_may() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut complaints, mut events) = (Vec::new(), 0);
    for room in ROOMS {
        for file in sources(&crates.join(room).join("src")) {
            let source = std::fs::read_to_string(&file).unwrap();
            if file.ends_with("logging/tests.rs") {
                continue;
            }
            for event in events_of(&source) {
                events += 1;
                complaints
                    .extend(complaints_about(&event).into_iter().map(|c| format!("{}: {c}", file.display())));
            }
        }
    }
    assert_eq!(complaints, [""; 0]);
    assert!(events > 0, "the search finds events");
}

#[test]
fn the_search_finds_what_it_should() {
    let found = events_of(
        r#"f(); tracing::warn!(host, ip = %x(1, 2), records, ?mac, count = n, "seen {} of {x}", 3); warn!("a, (b)"); "#,
    );
    assert_eq!(found.len(), 2);
    let complaints = complaints_about(&found[0]);
    assert_eq!(complaints.len(), 4, "{complaints:?}");
    assert_eq!(complaints_about(&found[1]), [""; 0]);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}

/// The arguments of each event macro.
fn events_of(source: &str) -> Vec<Vec<String>> {
    let mut events = Vec::new();
    for name in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
        for (at, _) in source.match_indices(name) {
            let (before, event) = source.split_at(at);
            let before = before.chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') {
                events.push(arguments(event.strip_prefix(name).unwrap()));
            }
        }
    }
    events
}

/// What stands between the commas, up to the closing bracket.
fn arguments(text: &str) -> Vec<String> {
    let (mut arguments, mut argument, mut depth, mut quoted, mut escaped) =
        (vec![], String::new(), 0, false, false);
    for c in text.chars() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else {
            match c {
                '"' => quoted = true,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth == 0 => break,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => {
                    arguments.push(std::mem::take(&mut argument).trim().to_owned());
                    continue;
                }
                _ => {}
            }
        }
        argument.push(c);
    }
    arguments.push(argument.trim().to_owned());
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

fn complaints_about(arguments: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    for argument in arguments {
        if argument.starts_with('"') {
            if argument.contains('{') {
                complaints.push(format!("a value in a message: {argument}"));
            }
            // What follows a message are its values.
            break;
        }
        if argument.starts_with("target:") {
            continue;
        }
        let name = argument.split('=').next().unwrap_or_default().trim().trim_start_matches(['?', '%']);
        let name = name.rsplit('.').next().unwrap_or_default();
        if !FIELDS.contains(&name) {
            complaints.push(format!("field `{name}` is not on the list in logging.rs"));
        }
    }
    complaints
}
