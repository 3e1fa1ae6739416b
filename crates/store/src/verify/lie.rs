//! What a verification can find wrong, each with its place, so that a person can go and look.

/// Something that is not as the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "lie", rename_all = "kebab-case")]
pub enum Lie {
    /// A leaf is missing, or not what a leaf can be.
    Leaf {
        /// Its index.
        leaf: u64,
        /// What is wrong.
        why: String,
    },
    /// A stored tile is not what the leaves make it.
    Tile {
        /// Its path, as served.
        path: String,
        /// The first leaf that its first wrong hash stands for.
        leaf: u64,
    },
    /// A checkpoint does not fit the leaves, or its signature does not fit the key.
    Checkpoint {
        /// Its size.
        size: u64,
        /// What is wrong.
        why: String,
    },
    /// A row is not what its leaf committed to: it was changed outside the write path.
    Changed {
        /// Its table.
        table: &'static str,
        /// Its number.
        row: i64,
        /// The leaf that wrote it last.
        leaf: u64,
    },
    /// A row is gone, and no leaf deleted it.
    Missing {
        /// Its table.
        table: &'static str,
        /// Its number.
        row: i64,
        /// The leaf that wrote it last.
        leaf: u64,
    },
    /// A row is there, and no leaf wrote it (or one deleted it).
    Unknown {
        /// Its table.
        table: &'static str,
        /// Its number.
        row: i64,
    },
    /// A table, index, trigger or view that this ward's schema does not have so: what is read through it may not be what is there.
    Schema {
        /// Its kind and name.
        object: String,
        /// What is wrong.
        why: String,
    },
    /// Rows cannot be read: the medium is damaged.
    Unreadable {
        /// Where.
        place: String,
        /// Rows that the ledger knows there and that were not read.
        rows: u64,
        /// The engine's words.
        why: String,
    },
}

impl Lie {
    pub(super) fn is_of_row(&self) -> bool {
        !matches!(self, Self::Leaf { .. } | Self::Tile { .. } | Self::Checkpoint { .. } | Self::Schema { .. })
    }
}

impl std::fmt::Display for Lie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Leaf { leaf, why } => write!(f, "leaf {leaf}: {why}"),
            Self::Tile { path, leaf } => {
                write!(f, "tile {path} is not what the leaves make it (from leaf {leaf})")
            }
            Self::Checkpoint { size, why } => write!(f, "checkpoint of {size} leaves: {why}"),
            Self::Changed { table, row, leaf } => {
                write!(
                    f,
                    "table {table}, row {row} was changed outside the ledger; leaf {leaf} wrote it otherwise"
                )
            }
            Self::Missing { table, row, leaf } => {
                write!(f, "table {table}, row {row} is gone; leaf {leaf} wrote it and none deleted it")
            }
            Self::Unknown { table, row } => write!(f, "table {table}, row {row} is in no leaf"),
            Self::Schema { object, why } => write!(f, "{object} {why}"),
            Self::Unreadable { place, rows, why } => write!(f, "{place}: {rows} rows cannot be read: {why}"),
        }
    }
}
