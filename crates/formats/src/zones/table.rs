//! Zones as a table: our own columns, or NetBox's exports of prefixes and of VLANs.

use super::{Document, Gathered, LINES_MAX, Mistakes, Words, is_no_place, vlan_name};
use model::ZoneSource;

/// Characters of a heading that a message quotes.
const HEADING_CHARS_MAX: usize = 40;
/// Headings that a message lists.
const HEADINGS_MAX: usize = 12;

/// Which column is which; `None`: there is none.
#[derive(Default)]
struct Columns {
    name: Option<usize>,
    purpose: Option<usize>,
    vlan: Option<usize>,
    subnet: Option<usize>,
    role: Option<usize>,
    status: Option<usize>,
    is_netbox: bool,
}

pub(super) fn read(text: &str) -> Result<Document, Mistakes> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut gathered = Gathered::default();
    let mut columns: Option<Columns> = None;
    for (number, row) in reader.records().enumerate() {
        let row =
            row.map_err(|error| Mistakes::one(number + 1, format!("this is no line of a table: {error}")))?;
        let line = row.position().map_or(number + 1, |at| usize::try_from(at.line()).unwrap_or(usize::MAX));
        if number > LINES_MAX {
            return Err(Mistakes::one(
                line,
                format!("there are more than {LINES_MAX} lines: import it in parts"),
            ));
        }
        if row.iter().all(str::is_empty) {
            continue;
        }
        match &columns {
            None => columns = Some(Columns::read(&row).map_err(|what| Mistakes::one(line, what))?),
            Some(columns) => columns.take(line, &row, &mut gathered),
        }
    }
    let source = match columns {
        Some(Columns { is_netbox: true, .. }) => ZoneSource::Netbox,
        _ => ZoneSource::Csv,
    };
    gathered.done(source)
}

/// What stands between the columns: what the first line has most of.
fn delimiter(text: &str) -> u8 {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let count = |delimiter: u8| first.bytes().filter(|byte| *byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

impl Columns {
    fn read(row: &csv::StringRecord) -> Result<Self, String> {
        let mut columns = Self::default();
        for (at, heading) in row.iter().enumerate() {
            let plain: String = heading.chars().filter(char::is_ascii_alphanumeric).collect();
            let plain = plain.to_ascii_lowercase();
            let slot = match plain.as_str() {
                "name" | "zone" | "zonename" => &mut columns.name,
                "purpose" | "description" | "comment" | "comments" => &mut columns.purpose,
                "vlan" | "vlanid" | "vid" | "vlanvid" => &mut columns.vlan,
                "subnet" | "subnets" | "prefix" | "cidr" | "network" => &mut columns.subnet,
                "role" => &mut columns.role,
                "status" => &mut columns.status,
                _ => continue,
            };
            slot.get_or_insert(at);
            columns.is_netbox |= matches!(plain.as_str(), "prefix" | "vid" | "role" | "status");
        }
        if columns.vlan.is_none() && columns.subnet.is_none() {
            return Err(format!("{} has no column vlan or subnet: {}", shown(row), WAY_OUT));
        }
        if columns.name.is_none() && !columns.is_netbox {
            return Err(format!("{} has no column name: {}", shown(row), WAY_OUT));
        }
        Ok(columns)
    }

    fn take(&self, line: usize, row: &csv::StringRecord, gathered: &mut Gathered) {
        let of = |column: Option<usize>| column.and_then(|at| row.get(at)).unwrap_or_default();
        if self.is_netbox && is_no_place(of(self.status)) {
            gathered.skipped += 1;
            return;
        }
        let (vlan, subnet, purpose) = (of(self.vlan), of(self.subnet), of(self.purpose));
        let vlan = if self.is_netbox && is_nothing(vlan) { "" } else { vlan };
        let names = [of(self.name), of(self.role), vlan_name(vlan), purpose, subnet];
        let known = names.into_iter().map(|name| if is_nothing(name) { "" } else { name });
        // In a table of our own a line without a name is a mistake; NetBox names its prefixes otherwise.
        let take = if self.is_netbox { 5 } else { 1 };
        let name = known.take(take).find(|name| !name.is_empty()).unwrap_or_default();
        let purpose = if is_nothing(purpose) { "" } else { purpose };
        let subnets = subnet.split([' ', ',', ';']).filter(|part| !part.is_empty()).collect();
        gathered.take(line, &Words { name, purpose, vlan, subnets });
    }
}

const WAY_OUT: &str = "the first line names the columns: name, purpose, vlan, subnet";

/// How NetBox's tables write that there is nothing.
fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "—" | "-" | "None")
}

fn shown(row: &csv::StringRecord) -> String {
    let cap = |heading: &str| heading.chars().take(HEADING_CHARS_MAX).flat_map(char::escape_debug).collect();
    let headings: Vec<String> = row.iter().take(HEADINGS_MAX).map(cap).collect();
    format!("\"{}\"", headings.join(", "))
}
