//! Records as files for a watched folder: one record a line, as `serde_json` writes [`model::Record`]. A file appears under its
//! name when it is whole; until then it ends in `.part`.

use model::{Record, SensorId, SiteId};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Whole files, in the order in which they appeared.
    pub files: Vec<PathBuf>,
    /// Records in them.
    pub records: u64,
}

/// Writes the records of each sensor to `folder/sim-<site>-<sensor>-00001.jsonl` and on, `records_per_file` (1 at least) in
/// each, the last ones fewer. An existing file of such a name is replaced.
///
/// # Errors
/// When a file cannot be written; whole files stay, the unfinished one keeps its `.part`.
pub fn write_jsonl(
    records: impl IntoIterator<Item = Record>,
    folder: &Path,
    records_per_file: u64,
) -> io::Result<Written> {
    let mut open: BTreeMap<(SiteId, SensorId), Part> = BTreeMap::new();
    let mut written = Written::default();
    for record in records {
        let header = record.header();
        let key = (header.site, header.sensor);
        let part = match open.remove(&key) {
            Some(part) if part.out.is_some() => part,
            before => Part::begin(folder, key, before.map_or(0, |part| part.number) + 1)?,
        };
        let part = part.add(&record, records_per_file.max(1), &mut written)?;
        open.insert(key, part);
    }
    for part in open.into_values() {
        part.end(&mut written)?;
    }
    Ok(written)
}

/// A file that is not whole yet; without `out`, one that is.
struct Part {
    out: Option<BufWriter<File>>,
    number: u32,
    records: u64,
    path: PathBuf,
}

impl Part {
    fn begin(folder: &Path, (site, sensor): (SiteId, SensorId), number: u32) -> io::Result<Self> {
        let path = folder.join(format!("sim-{}-{}-{number:05}.jsonl", site.0, sensor.0));
        let out = Some(BufWriter::new(File::create(path.with_extension("jsonl.part"))?));
        Ok(Self { out, number, records: 0, path })
    }

    fn add(mut self, record: &Record, records_per_file: u64, written: &mut Written) -> io::Result<Self> {
        if let Some(out) = &mut self.out {
            serde_json::to_writer(&mut *out, record)?;
            out.write_all(b"\n")?;
            self.records += 1;
        }
        if self.records < records_per_file { Ok(self) } else { self.end(written) }
    }

    fn end(mut self, written: &mut Written) -> io::Result<Self> {
        if let Some(out) = self.out.take() {
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            std::fs::rename(self.path.with_extension("jsonl.part"), &self.path)?;
            written.records += self.records;
            written.files.push(self.path.clone());
        }
        Ok(self)
    }
}
