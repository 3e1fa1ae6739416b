//! What the verbs over a store share: the reader to begin with, times in the site's zone, tables, one JSON document, progress.
//! It must not write to the store, nor to its keyring.

use super::config::Given;
use crate::config::Config;
use crate::up::Ground;
use crate::zone_file;
use anyhow::{Context, Result, bail};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use model::Timestamp;
use serde::Serialize;
use std::io::{IsTerminal, Write};
use store::db::{Db, Mode};
use store::migration::{self, SCHEMA};
use store::{DATABASE_FILE, Place, StoreError};

/// Columns when the output is no terminal.
const COLUMNS_DEFAULT: u16 = 120;
/// Characters of a text in a table.
const CELL_CHARS_MAX: usize = 120;

/// A store open for reading, beside whoever writes it.
pub(super) struct Reading {
    pub(super) config: Config,
    pub(super) ground: Ground,
    pub(super) db: Db,
    pub(super) zone: Zone,
}

impl Reading {
    /// Opens keyring and store as configured.
    ///
    /// # Errors
    /// Whatever is missing or does not fit, with the way out.
    pub(super) fn open(given: &Given) -> Result<Self> {
        let config = given.load()?;
        let ground = Ground::look(&config)?;
        let zone = Zone::named(&config.site.time_zone);
        let db = reader(&ground.place)?;
        Ok(Self { config, ground, db, zone })
    }

    /// The name of the log's place in messages.
    pub(super) fn place(&self) -> String {
        super::printable(&self.ground.place.name())
    }
}

/// A reader's connection to a store of this build's schema.
///
/// # Errors
/// As [`Reading::open`].
pub(super) fn reader(place: &Place) -> Result<Db> {
    if !is_there(place)? {
        bail!(
            "{} is not there yet: the first `ward up` makes it, or `ward restore` from a backup",
            place.name()
        );
    }
    let mut db = place.connect(Mode::Reader)?;
    match migration::version(&mut db)? {
        SCHEMA => Ok(db),
        found if found > SCHEMA => Err(StoreError::NewerSchema { found, known: SCHEMA }.into()),
        found => bail!(
            "the store has schema {found} and this ward reads {SCHEMA}: start it once with `ward up`, which brings it up to date"
        ),
    }
}

/// Whether there is a database at all.
///
/// # Errors
/// When a server does not say.
pub(super) fn is_there(place: &Place) -> Result<bool> {
    match place {
        Place::Folder { path, .. } => {
            let file = path.join(DATABASE_FILE);
            file.try_exists().with_context(|| format!("cannot look for {}", file.display()))
        }
        #[cfg(feature = "postgres")]
        Place::Postgres { .. } => Ok(!place.connect(Mode::Reader)?.tables()?.is_empty()),
    }
}

/// The site's time zone.
pub(super) struct Zone(TimeZone);

impl Zone {
    /// The zone of that IANA name, by the system's tables; UTC where they do not know it (`ward doctor` says so).
    pub(super) fn named(name: &str) -> Self {
        let read = zone_file::read(name).and_then(|bytes| TimeZone::tzif(name, &bytes).ok());
        Self(read.unwrap_or(TimeZone::UTC))
    }

    /// `2026-05-01 08:30:00 CEST`.
    pub(super) fn show(&self, at: Timestamp) -> String {
        match instant(at) {
            Some(instant) => instant.to_zoned(self.0.clone()).strftime("%F %T %Z").to_string(),
            None => "–".to_owned(),
        }
    }

    /// When a clock on the site's wall shows `local`.
    pub(super) fn instant(&self, local: jiff::civil::DateTime) -> Result<jiff::Timestamp> {
        Ok(self.0.to_ambiguous_timestamp(local).compatible()?)
    }
}

/// RFC 3339 in UTC, for programs.
pub(super) fn rfc3339(at: Timestamp) -> String {
    instant(at).map_or_else(String::new, |instant| instant.to_string())
}

fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos())).ok().filter(|_| at != Timestamp::ZERO)
}

/// Hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `1,234 rows`, `1 row`.
pub(super) fn count(number: u64, one: &str) -> String {
    format!("{} {one}{}", HumanCount(number), if number == 1 { "" } else { "s" })
}

/// One JSON document on standard output.
pub(super) fn document(document: &impl Serialize) -> Result<()> {
    page(|out| {
        serde_json::to_writer_pretty(&mut *out, document)?;
        writeln!(out)
    })
}

/// Something for people on standard output.
pub(super) fn page(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = write(&mut out).and_then(|()| out.flush());
    super::written(written).context("cannot write to standard output")
}

/// A table as wide as the terminal.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let columns = console::Term::stdout().size_checked().map_or(COLUMNS_DEFAULT, |(_, columns)| columns);
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(columns).set_header(header);
    table
}

/// A text out of the store, for a table: nothing in it steers the terminal, and it ends.
pub(super) fn cell(text: &str) -> String {
    let mut shown: String = super::printable(text).replace('\n', " ");
    if let Some((at, _)) = shown.char_indices().nth(CELL_CHARS_MAX) {
        shown.truncate(at);
        shown.push('…');
    }
    shown
}

/// A progress line on a terminal; nothing elsewhere.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A line that begins with `what`.
    pub(super) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::no_length();
        bar.set_draw_target(if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        });
        bar.set_prefix(what);
        bar.set_style(style("{prefix} {spinner} {msg}, {elapsed}"));
        Self(bar)
    }

    /// `done` of `total`.
    pub(super) fn of(&self, done: u64, total: u64) {
        if self.0.length() != Some(total) {
            self.0.set_length(total);
            self.0.set_style(style(
                "{prefix} {wide_bar} {percent}% of {human_len} rows, {per_sec}, {eta} left",
            ));
        }
        self.0.set_position(done);
    }

    /// What goes on.
    pub(super) fn say(&self, message: String) {
        self.0.set_message(message);
        self.0.tick();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
