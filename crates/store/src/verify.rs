//! `ward ledger verify`: recomputes everything the ledger answers for and names what lies.
//!
//! Leaves are replayed in order: their hashes must give the stored tiles and the roots of the signed checkpoints, and the last
//! thing they say of a row is what the row must be. Rows are then read table by table and their commitments recomputed. It
//! trusts neither rows, tiles nor checkpoints; what it cannot read it reports as unread, never as fine.

mod lie;

pub use lie::Lie;

use crate::db::{Cell, Db};
use crate::error::{Result, StoreError};
use crate::leaf::{self, Commitment, Leaf, RowChange};
use crate::ledger::{self, StoredCheckpoint};
use crate::table::{TABLES, Table};
use hashbrown::HashMap;
use std::cell::RefCell;
use trust::tlog::{self, Audit, Checkpoint, Hash, TileSource, VerifierKey};

/// Rows whose commitments are held at once, about 64 bytes each; a larger store is read in several passes.
const ROWS_HELD_MAX: u64 = 4 << 20;
/// Lies that are named; further ones are counted.
pub const LIES_NAMED_MAX: usize = 100;

/// Against what the newest checkpoint was held.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "witness", rename_all = "kebab-case")]
pub enum Witnessed {
    /// No witness has cosigned any checkpoint: whoever holds the keys could have rewritten all of it.
    NotWitnessed,
    /// A witness has cosigned a checkpoint that the leaves agree with.
    Witnessed {
        /// Leaves it covers.
        size: u64,
        /// Leaves in all.
        of: u64,
        /// Names of the witnesses.
        by: Vec<String>,
    },
}

/// What a verification found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Verified {
    /// Leaves replayed.
    pub leaves: u64,
    /// Rows whose commitments were recomputed.
    pub rows: u64,
    /// Root of the tree over all leaves, in hexadecimal.
    pub root: String,
    /// Size of the newest checkpoint; 0 where there is none.
    pub checkpoint: u64,
    /// What witnesses say.
    pub witnessed: Witnessed,
    /// What lies: the ledger itself, then rows, each by leaf; at most [`LIES_NAMED_MAX`].
    pub lies: Vec<Lie>,
    /// How many lies there are.
    pub lies_total: u64,
}

/// With what to verify.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// Name of the log.
    pub origin: String,
    /// Key of the log, and those of witnesses.
    pub keys: Vec<VerifierKey>,
    /// Keys of witnesses.
    pub witnesses: Vec<VerifierKey>,
    /// A checkpoint from elsewhere (an auditor's copy, a witness's) that the leaves must agree with.
    pub outside: Option<String>,
}

/// Called now and then with rows read and rows in all.
pub type Progress<'p> = &'p mut dyn FnMut(u64, u64);

/// Verifies the store behind `db`, a reader inside one transaction.
///
/// # Errors
/// Only where nothing can be said at all; what is wrong with the store is in [`Verified::lies`].
pub fn verify(db: &mut Db, expectation: &Expectation, progress: Progress<'_>) -> Result<Verified> {
    verify_holding(db, expectation, ROWS_HELD_MAX, progress)
}

fn verify_holding(
    db: &mut Db,
    expectation: &Expectation,
    held_max: u64,
    progress: Progress<'_>,
) -> Result<Verified> {
    let mut lies = Lies::default();
    let mut total = 0;
    for table in TABLES {
        total += db.number(&format!("SELECT count(*) FROM {}", table.name), &[]).unwrap_or(None).unwrap_or(0);
    }
    let total = total.cast_unsigned();
    let passes = total.div_ceil(held_max.max(1)).max(1);
    let mut run = Run { passes, pass: 0, total, read: 0, progress };
    let checkpoints = checkpoints(db)?;
    // Tiles are durable before the checkpoint over them: a kill between leaves them ahead, which is no lie.
    let covered = checkpoints.last().map_or(0, |c| c.size).max(ledger::tiled(db)?);
    let mut sizes: Vec<u64> = checkpoints.iter().map(|c| c.size).collect();
    let outside = expectation.outside.as_ref().map(|note| {
        Checkpoint::open(note.as_bytes(), &expectation.origin, &expectation.keys).map_err(|e| e.to_string())
    });
    sizes.extend(outside.iter().flatten().map(|opened| opened.checkpoint.size()));
    sizes.sort_unstable();
    schema::check(db, &mut lies)?;
    if db.number("SELECT count(*) FROM leaves WHERE id < 0", &[])?.unwrap_or(0) > 0 {
        lies.add(0, Lie::Leaf { leaf: 0, why: "there are leaves before it".into() });
    }
    let mut tree = Tree::default();
    for pass in 0..passes {
        run.pass = pass;
        let mut expected = Expected::default();
        let audited = replay(db, &run, (&sizes, covered), &mut expected, &mut lies)?;
        if pass == 0 {
            tree = audited;
        }
        for table in TABLES {
            check_table(db, table, &mut run, &mut expected, &mut lies);
        }
        expected.report_missing(&mut lies);
    }
    let witnessed = check_checkpoints(&checkpoints, &tree, expectation, &mut lies);
    if let Some(outside) = outside {
        check_outside(outside, &tree, &mut lies);
    }
    Ok(lies.into_verified(tree, run.read, checkpoints.last().map_or(0, |c| c.size), witnessed))
}

/// Which part of the work is going on.
struct Run<'p> {
    passes: u64,
    pass: u64,
    total: u64,
    read: u64,
    progress: Progress<'p>,
}

impl Run<'_> {
    /// Whether a row belongs to this pass.
    fn has(&self, row: i64) -> bool {
        self.passes == 1 || row.cast_unsigned() % self.passes == self.pass
    }
}

#[derive(Default)]
struct Lies {
    named: Vec<(u64, Lie)>,
    total: u64,
}

impl Lies {
    fn add(&mut self, leaf: u64, lie: Lie) {
        self.total += 1;
        if self.named.len() < LIES_NAMED_MAX {
            self.named.push((leaf, lie));
        } else if let Some(last) =
            self.named.iter_mut().max_by_key(|(at, _)| *at).filter(|(at, _)| *at > leaf)
        {
            *last = (leaf, lie);
        }
    }

    fn into_verified(mut self, tree: Tree, rows: u64, checkpoint: u64, witnessed: Witnessed) -> Verified {
        // What is wrong with the ledger itself explains rows that do not fit it.
        self.named.sort_by_key(|(leaf, lie)| (lie.is_of_row(), *leaf));
        Verified {
            leaves: tree.size,
            rows,
            root: tree.root.iter().map(|b| format!("{b:02x}")).collect(),
            checkpoint,
            witnessed,
            lies: self.named.into_iter().map(|(_, lie)| lie).collect(),
            lies_total: self.total,
        }
    }
}

/// What the leaves say of rows: the last commitment and its leaf.
#[derive(Default)]
struct Expected {
    rows: HashMap<(u16, i64), (Commitment, u64), foldhash::fast::FixedState>,
}

impl Expected {
    fn note(&mut self, change: &RowChange, leaf: u64) {
        match change.commitment {
            Some(commitment) => {
                self.rows.insert((change.table, change.id), (commitment, leaf));
            }
            None => {
                self.rows.remove(&(change.table, change.id));
            }
        }
    }

    fn report_missing(self, lies: &mut Lies) {
        let mut missing: Vec<_> =
            self.rows.into_iter().map(|((table, row), (_, leaf))| (leaf, table, row)).collect();
        missing.sort_unstable();
        for (leaf, table, row) in missing {
            let lie = match Table::numbered(table) {
                Some(table) => Lie::Missing { table: table.name, row, leaf },
                None => {
                    Lie::Leaf { leaf, why: format!("writes to table {table}, which this ward does not know") }
                }
            };
            lies.add(leaf, lie);
        }
    }
}

/// The tree that the leaves make.
struct Tree {
    size: u64,
    root: Hash,
    /// Roots at the sizes of stored checkpoints and of the one from outside.
    roots: HashMap<u64, Hash, foldhash::fast::FixedState>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { size: 0, root: tlog::EMPTY_ROOT, roots: HashMap::default() }
    }
}

/// Stored tiles, exactly as wide as asked.
struct ExactTiles<'d>(RefCell<&'d mut Db>);

impl TileSource for ExactTiles<'_> {
    type Error = StoreError;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>> {
        let mut hashes = Vec::new();
        let mut rows = 0;
        let sql = "SELECT width, data FROM tiles WHERE level = ?1 AND number = ?2";
        let parameters = [Cell::Int(level.into()), Cell::Int(index.cast_signed())];
        self.0.borrow_mut().query(sql, &parameters, &mut |row| {
            rows += 1;
            let (chunks, rest) = row.blob(1)?.as_chunks();
            let fits = row.int(0)? == i64::from(width) && rest.is_empty() && rows == 1;
            hashes = if fits { chunks.to_vec() } else { Vec::new() };
            Ok(())
        })?;
        Ok(hashes)
    }
}

/// Reads all leaves in order; in the first pass the tree and its tiles are checked as well. `sizes` (sorted) are those whose
/// roots are wanted, `covered` is how many leaves tiles must cover.
fn replay(
    db: &mut Db,
    run: &Run<'_>,
    (sizes, covered): (&[u64], u64),
    expected: &mut Expected,
    lies: &mut Lies,
) -> Result<Tree> {
    let first_pass = run.pass == 0;
    let source = ExactTiles(RefCell::new(db));
    let (mut tree, mut frontier, mut audit) =
        (Tree::default(), tlog::Frontier::default(), Audit::new(&source));
    let mut next = 0i64;
    loop {
        let (before, mut hashes) = (next, Vec::new());
        let sql = "SELECT id, data, changes FROM leaves WHERE id >= ?1 ORDER BY id LIMIT 4096";
        let read = source.0.borrow_mut().query(sql, &[Cell::Int(next)], &mut |row| {
            let (id, data, changes) = (row.int(0)?, row.blob(1)?, row.blob(2)?);
            let gone = next.cast_unsigned();
            if id != next && first_pass {
                lies.add(gone, Lie::Leaf { leaf: gone, why: "it is gone".into() });
            }
            next = id + 1;
            let leaf = id.cast_unsigned();
            match note_changes(data, changes, leaf, run, expected) {
                Err(why) if first_pass => lies.add(leaf, Lie::Leaf { leaf, why }),
                _ => {}
            }
            hashes.push(tlog::leaf_hash(data));
            Ok(())
        });
        if first_pass {
            for hash in hashes {
                frontier.push(hash);
                if frontier.size() <= covered {
                    audit.push(hash)?;
                }
                if sizes.binary_search(&frontier.size()).is_ok() {
                    tree.roots.insert(frontier.size(), frontier.root());
                }
            }
        }
        if let Err(error) = read {
            let leaf = next.cast_unsigned();
            let place = format!("leaves from {leaf}");
            if first_pass {
                lies.add(leaf, Lie::Unreadable { place, rows: 1, why: error.to_string() });
            }
            next += 1;
            continue_past(&source, &mut next)?;
        } else if next == before {
            break;
        }
    }
    let difference = if first_pass { audit.finish()?.difference } else { None };
    if let Some(difference) = difference {
        let leaf = difference.leaves().start;
        lies.add(leaf, Lie::Tile { path: difference.tile.path(), leaf });
    } else if first_pass {
        count_tiles(&source, covered.min(frontier.size()), lies)?;
    }
    (tree.size, tree.root) = (frontier.size(), frontier.root());
    tree.roots.insert(tree.size, tree.root);
    Ok(tree)
}

/// After a leaf that cannot be read: the next that can, by its number alone.
fn continue_past(source: &ExactTiles<'_>, next: &mut i64) -> Result<()> {
    let highest = source.0.borrow_mut().number("SELECT max(id) FROM leaves", &[])?.unwrap_or(0);
    let readable = |id: i64| {
        let sql = "SELECT length(data) FROM leaves WHERE id = ?1";
        source.0.borrow_mut().number(sql, &[Cell::Int(id)]).is_ok()
    };
    while *next <= highest && !readable(*next) {
        *next += 1;
    }
    Ok(())
}

/// Tiles beside those that the leaves make.
fn count_tiles(source: &ExactTiles<'_>, covered: u64, lies: &mut Lies) -> Result<()> {
    let (mut made, mut hashes) = (0, covered);
    while hashes > 0 {
        made += hashes.div_ceil(u64::from(tlog::TILE_WIDTH));
        hashes /= u64::from(tlog::TILE_WIDTH);
    }
    let stored =
        source.0.borrow_mut().number("SELECT count(*) FROM tiles", &[])?.unwrap_or(0).cast_unsigned();
    if stored > made {
        let path = format!("({} tiles beyond those of {covered} leaves)", stored - made);
        lies.add(covered, Lie::Tile { path, leaf: covered });
    }
    Ok(())
}

fn note_changes(
    data: &[u8],
    changes: &[u8],
    leaf: u64,
    run: &Run<'_>,
    expected: &mut Expected,
) -> Result<(), String> {
    let public = Leaf::decode(data).map_err(|e| e.to_string())?;
    if leaf::rows_hash(changes) != public.rows_hash {
        return Err("the list of rows beside it is not the one it names".into());
    }
    let read = leaf::visit_rows(changes, |change| {
        if run.has(change.id) {
            expected.note(&change, leaf);
        }
    });
    match read.map_err(|e| e.to_string())? {
        rows if rows == public.rows => Ok(()),
        rows => Err(format!("it says {} rows, its list has {rows}", public.rows)),
    }
}

/// Recomputes the commitments of a table's rows.
fn check_table(
    db: &mut Db,
    table: &'static Table,
    run: &mut Run<'_>,
    expected: &mut Expected,
    lies: &mut Lies,
) {
    const PROGRESS_ROWS: u64 = 20_000;
    let mut last = i64::MIN;
    let read = db.query(&table.scan_sql(), &[Cell::Int(i64::MIN)], &mut |row| {
        let id = row.int(0)?;
        last = id;
        if !run.has(id) {
            return Ok(());
        }
        let (site, salt) = (row.int(1)?, row.blob(2)?);
        // Of another length it could take in what follows it, and leave one hash for two rows.
        let mut wrong_kind = (salt.len() != leaf::SALT_BYTES).then(|| "salt".to_owned());
        let cells = (3..3 + table.columns.len()).map(|column| {
            row.cell(column).unwrap_or_else(|error| {
                wrong_kind = Some(error.to_string());
                Cell::Null
            })
        });
        let found = leaf::commit_to(table, id, site, salt, cells);
        match expected.rows.remove(&(table.number, id)) {
            Some((commitment, _)) if commitment == found && wrong_kind.is_none() => {}
            Some((_, leaf)) => lies.add(leaf, Lie::Changed { table: table.name, row: id, leaf }),
            None => lies.add(u64::MAX, Lie::Unknown { table: table.name, row: id }),
        }
        run.read += 1;
        if run.read.is_multiple_of(PROGRESS_ROWS) {
            (run.progress)(run.read, run.total);
        }
        Ok(())
    });
    let Err(error) = read else { return };
    // What was not read is neither there nor gone.
    let unread = |(number, row): &(u16, i64)| *number == table.number && *row > last;
    let first = expected.rows.iter().filter(|(key, _)| unread(key)).map(|(_, (_, leaf))| *leaf).min();
    let before = expected.rows.len();
    expected.rows.retain(|key, _| !unread(key));
    let rows = (before - expected.rows.len()) as u64;
    let place = match last {
        i64::MIN => format!("table {}", table.name),
        last => format!("table {} after row {last}", table.name),
    };
    lies.add(first.unwrap_or(u64::MAX), Lie::Unreadable { place, rows, why: error.to_string() });
}

fn checkpoints(db: &mut Db) -> Result<Vec<StoredCheckpoint>> {
    let mut all = Vec::new();
    db.query("SELECT size, note, signed_at, witnesses FROM checkpoints ORDER BY size", &[], &mut |row| {
        all.push(StoredCheckpoint {
            size: row.int(0)?.cast_unsigned(),
            note: row.text(1)?.to_owned(),
            signed_at: crate::tx::timestamp(row.int(2)?),
            witnesses: row.int(3)?.cast_unsigned(),
        });
        Ok(())
    })?;
    Ok(all)
}

/// Holds every stored checkpoint against the leaves and the keys; what witnesses say of the newest that has any.
fn check_checkpoints(
    checkpoints: &[StoredCheckpoint],
    tree: &Tree,
    expectation: &Expectation,
    lies: &mut Lies,
) -> Witnessed {
    let mut witnessed = Witnessed::NotWitnessed;
    for stored in checkpoints {
        let size = stored.size;
        let opened = match Checkpoint::open(stored.note.as_bytes(), &expectation.origin, &expectation.keys) {
            Ok(opened) => opened,
            // Of a ledger that ended and went on under a new name; taking it away would be as invisible.
            Err(_) if is_of_another(&stored.note, &expectation.origin) => continue,
            Err(error) => {
                lies.add(size, Lie::Checkpoint { size, why: error.to_string() });
                continue;
            }
        };
        let checkpoint = &opened.checkpoint;
        let why = match tree.roots.get(&size) {
            _ if checkpoint.size() != size => Some("its note is of another size".to_owned()),
            None => Some(format!("only {} leaves are there", tree.size)),
            Some(root) if root != checkpoint.root() => Some("its root is not that of the leaves".into()),
            Some(_) => None,
        };
        if let Some(why) = why {
            lies.add(size, Lie::Checkpoint { size, why });
            continue;
        }
        let has_cosignatures = opened.note.signatures().len() > 1;
        if has_cosignatures != (stored.witnesses > 0) {
            lies.add(
                size,
                Lie::Checkpoint { size, why: "its row counts other witnesses than its note".into() },
            );
        }
        let cosigned = match opened.note.verify(&expectation.witnesses) {
            Ok(cosigned) => cosigned,
            Err(tlog::Error::Unsigned { .. }) => continue,
            Err(error) => {
                lies.add(size, Lie::Checkpoint { size, why: format!("cosignature: {error}") });
                continue;
            }
        };
        let by: Vec<String> = cosigned.iter().map(|v| v.key.name().to_owned()).collect();
        if !by.is_empty() {
            witnessed = Witnessed::Witnessed { size, of: tree.size, by };
        }
    }
    witnessed
}

/// Whether a checkpoint is of a log of another name.
fn is_of_another(note: &str, origin: &str) -> bool {
    let note = tlog::Note::parse(note.as_bytes()).ok();
    note.and_then(|note| Checkpoint::parse(note.text()).ok()).is_some_and(|said| said.origin() != origin)
}

/// Holds a checkpoint from elsewhere against the leaves.
fn check_outside(outside: Result<tlog::Opened, String>, tree: &Tree, lies: &mut Lies) {
    let lie = match outside {
        Err(why) => Lie::Checkpoint { size: 0, why: format!("the one given: {why}") },
        Ok(opened) => {
            let size = opened.checkpoint.size();
            let why = match tree.roots.get(&size) {
                Some(root) if root == opened.checkpoint.root() => return,
                Some(_) => "the leaves are not those of the one given: history was rewritten".into(),
                None => format!("the one given has more leaves than are there ({})", tree.size),
            };
            Lie::Checkpoint { size, why }
        }
    };
    lies.add(0, lie);
}

mod schema;

#[cfg(test)]
mod tests;
