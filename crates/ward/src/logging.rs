//! Logs: one line an event, text or JSON, on standard error. Without PHI and without identifiers of devices: what an event may
//! say is a fixed message and fields of the list below; anything else comes out as `[redacted]`, so that a slip shows up in a
//! test and not in a log. Messages hold no values: those go into fields.

use crate::config::{Log, LogFormat, LogLevel};
use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Names of fields that may be written. A device, endpoint or person appears by its number only (`device`, `subject`); files,
/// folders and interfaces are the operator's own names. Never on it: host names, addresses from the wire, message contents.
pub const FIELDS: &[&str] = &[
    "message",
    "act",
    "address",
    "age_s",
    "answer",
    "attempts",
    "batch",
    "bytes",
    "cause",
    "commits",
    "count",
    "device",
    "devices",
    "done",
    "dropped",
    "error",
    "file",
    "files",
    "folder",
    "format",
    "frames",
    "free_bytes",
    "gap_s",
    "interface",
    "interval_ms",
    "key",
    "kind",
    "last_sequence",
    "leaf",
    "leaves",
    "level",
    "line",
    "lines",
    "listen",
    "name",
    "origin",
    "outbox",
    "outcome",
    "path",
    "pid",
    "position",
    "queue",
    "reason",
    "records",
    "retry_s",
    "rows",
    "schema",
    "sensor",
    "sequence",
    "signal",
    "site",
    "size",
    "source",
    "state",
    "status",
    "step",
    "store",
    "subject",
    "subjects",
    "table",
    "task",
    "took_ms",
    "version",
    "views",
    "way_out",
    "what",
    "witness",
    "witnesses",
    "worker",
    "workers",
];

/// What stands where a value may not.
const REDACTED: &str = "[redacted]";
/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 512;
/// The rooms whose events are written. What other crates say follows other rules, and stays out.
const ROOMS: &[&str] = &["ward", "serve", "store", "trust", "judge"];

/// Starts writing to standard error.
///
/// # Errors
/// When something writes logs already.
pub fn start(log: Log) -> Result<(), tracing_subscriber::util::TryInitError> {
    subscriber(log, std::io::stderr).try_init()
}

/// What [`start`] installs, writing wherever `out` says.
pub fn subscriber<W>(log: Log, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let rooms = Targets::new().with_targets(ROOMS.iter().map(|room| (*room, level)));
    let lines = tracing_subscriber::fmt::layer().event_format(Lines { format: log.format }).with_writer(out);
    tracing_subscriber::registry().with(rooms).with(lines)
}

/// Writes an event as one line.
struct Lines {
    format: LogFormat,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let (at, level, target) = (now(), event.metadata().level(), event.metadata().target());
        match self.format {
            LogFormat::Text => text_line(&mut out, &at, *level, target, &said),
            LogFormat::Json => json_line(&mut out, &at, *level, target, said),
        }
    }
}

fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

fn text_line(out: &mut Writer<'_>, at: &str, level: Level, target: &str, said: &Said) -> fmt::Result {
    write!(out, "{at} {level:<5} {target}: {}", said.message)?;
    for (name, value) in &said.fields {
        match value {
            Value::String(text) if text.contains([' ', '"', '=']) || text.is_empty() => {
                write!(out, " {name}={text:?}")?;
            }
            Value::String(text) => write!(out, " {name}={text}")?,
            other => write!(out, " {name}={other}")?,
        }
    }
    writeln!(out)
}

fn json_line(out: &mut Writer<'_>, at: &str, level: Level, target: &str, said: Said) -> fmt::Result {
    let mut line = Map::new();
    let text = |text: &str| Value::String(text.to_owned());
    line.insert("time".to_owned(), text(at));
    line.insert("level".to_owned(), text(&level.as_str().to_lowercase()));
    line.insert("target".to_owned(), text(target));
    line.insert("message".to_owned(), Value::String(said.message));
    line.insert("fields".to_owned(), Value::Object(said.fields.into_iter().collect()));
    writeln!(out, "{}", Value::Object(line))
}

/// What an event says, as far as it may.
#[derive(Default)]
struct Said {
    message: String,
    fields: Vec<(String, Value)>,
}

impl Said {
    fn say(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            if let Value::String(text) = value {
                self.message = text;
            }
            return;
        }
        let may = FIELDS.contains(&field.name());
        let value = if may { value } else { Value::String(REDACTED.to_owned()) };
        self.fields.push((field.name().to_owned(), value));
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = readable(&format!("{value:?}"));
        self.say(field, Value::String(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.say(field, Value::String(readable(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.say(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.say(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.say(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.say(field, value.into());
    }
}

/// One line, nothing that a terminal obeys, bounded.
fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len().min(VALUE_BYTES_MAX));
    for c in text.chars() {
        if readable.len() >= VALUE_BYTES_MAX {
            readable.push('…');
            break;
        }
        readable.push(
            if c.is_control()
                || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                ' '
            } else {
                c
            },
        );
    }
    readable
}

#[cfg(test)]
#[path = "logging/tests.rs"]
mod tests;
