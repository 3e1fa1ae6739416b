//! Every key of the configuration, as data: the reader, `ward config check` and the test of the documentation go by this list.
//! A key that is not here does not exist.

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most so many bytes, not empty.
    Text {
        /// Most bytes.
        bytes_max: usize,
    },
    /// A path.
    Path,
    /// A whole number.
    Whole {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// true or false.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Kind {
    /// What is allowed, in words.
    pub fn allowed(self) -> String {
        match self {
            Self::Text { bytes_max } => format!("text of 1 to {bytes_max} bytes"),
            Self::Path => "a path".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Flag => "true or false".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Section and name with a dot between: `limits.batch_ms`.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Its value when nobody gives one, as it would be written; empty: none.
    pub default: &'static str,
    /// What it means, one sentence.
    pub means: &'static str,
}

impl Key {
    /// The section it is in.
    pub fn section(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Its name within the section.
    pub fn leaf(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(_, leaf)| leaf)
    }

    /// The environment variable that sets it; none within a list.
    pub fn variable(&self) -> Option<String> {
        let is_single = !LISTS.contains(&self.section());
        is_single.then(|| format!("WARD_{}", self.name.replace('.', "_").to_uppercase()))
    }
}

/// Sections that may be there several times: `[[listen]]`.
pub const LISTS: &[&str] = &["listen", "watch", "ledger.witnesses"];

/// Words that somebody might write a secret behind, with the key that takes a file instead.
pub(super) const SECRETS: &[(&str, &str)] = &[
    ("keys.passphrase", "keys.passphrase_file"),
    ("keys.pin", "keys.pin_file"),
    ("keys.key", "keys.file"),
    ("store.key", "keys.file"),
    ("store.postgres_url", "store.postgres_url_file"),
    ("store.password", "store.postgres_url_file"),
];

const fn text(name: &'static str, bytes_max: usize, default: &'static str, means: &'static str) -> Key {
    Key { name, kind: Kind::Text { bytes_max }, default, means }
}

const fn path(name: &'static str, default: &'static str, means: &'static str) -> Key {
    Key { name, kind: Kind::Path, default, means }
}

const fn whole(
    name: &'static str,
    (min, max): (i64, i64),
    default: &'static str,
    means: &'static str,
) -> Key {
    Key { name, kind: Kind::Whole { min, max }, default, means }
}

const fn flag(name: &'static str, means: &'static str) -> Key {
    Key { name, kind: Kind::Flag, default: "false", means }
}

/// Numbers of sites, sensors and domains.
const NUMBER: (i64, i64) = (0, 0xFFFF_FFFF);

/// All of them, in the order of the example.
pub const KEYS: &[Key] = &[
    whole(
        "site.id",
        (1, 0xFFFF_FFFF),
        "1",
        "number of this site in every record; never give it to another site",
    ),
    text("site.name", 128, "Site 1", "name of the site as people know it"),
    text(
        "site.time_zone",
        64,
        "UTC",
        "time zone of the site by its IANA name, for days and hours in reports",
    ),
    path("store.folder", "/var/lib/ward", "folder of the encrypted database, its lock and its keyring"),
    path(
        "store.postgres_url_file",
        "",
        "file with the URL of a PostgreSQL database to keep the rows in instead; mode 0600",
    ),
    Key {
        name: "keys.kind",
        kind: Kind::OneOf(&["file", "passphrase", "credential", "pkcs11"]),
        default: "file",
        means: "where the key-encryption key comes from; it opens the keyring in the store's folder",
    },
    path(
        "keys.file",
        "/etc/ward/kek",
        "kind file: file of 32 random bytes, mode 0600, outside of the store's folder",
    ),
    path("keys.passphrase_file", "", "kind passphrase: file whose first line is the passphrase, mode 0600"),
    text(
        "keys.credential",
        128,
        "ward-kek",
        "kind credential: name of the systemd credential that holds the key",
    ),
    path("keys.module", "", "kind pkcs11: shared library of the token"),
    text("keys.token", 256, "", "kind pkcs11: label of the token"),
    text("keys.label", 256, "ward-kek", "kind pkcs11: label of the AES-256 key in the token"),
    path("keys.pin_file", "", "kind pkcs11: file whose first line is the token's PIN, mode 0600"),
    text("listen.interface", 15, "", "network interface on a mirror port; Ward never sends on it"),
    whole(
        "listen.sensor",
        NUMBER,
        "",
        "number of its first sensor, one for each worker; by default 1000 and on",
    ),
    whole(
        "listen.domain",
        NUMBER,
        "0",
        "address domain: give networks that use the same addresses different numbers",
    ),
    whole("listen.workers", (1, 64), "1", "threads that share the traffic, by conversation"),
    whole("listen.ring_mib", (4, 4096), "64", "memory of the kernel's ring in MiB, over all workers"),
    flag(
        "listen.own_interface",
        "listen although this machine itself can send there; for a look at a laptop's traffic",
    ),
    flag(
        "listen.prepare_interface",
        "make the interface silent first: no addresses, no ARP, no IPv6; needs CAP_NET_ADMIN",
    ),
    path("watch.folder", "", "folder whose capture and record files are read, oldest first"),
    whole(
        "watch.settle_s",
        (0, 3600),
        "2",
        "seconds for which a file's size and time must not change before it is read",
    ),
    whole(
        "watch.sensor",
        NUMBER,
        "",
        "number of the sensor that its captures come from; by default 1 and on",
    ),
    whole(
        "watch.domain",
        NUMBER,
        "0",
        "address domain: give networks that use the same addresses different numbers",
    ),
    text(
        "http.address",
        64,
        "127.0.0.1:8790",
        "address for pages, API, health, metrics and ledger; loopback only; off: none",
    ),
    text(
        "ledger.origin",
        128,
        "",
        "name of the ledger, without a scheme; by default localhost/site-<site.id>",
    ),
    text("ledger.witnesses.name", 128, "", "name of a witness, as in its key"),
    text("ledger.witnesses.url", 512, "", "where the witness is asked to cosign"),
    text("ledger.witnesses.key", 512, "", "its public key as a signed-note verifier key: name+id+base64"),
    whole("limits.queue_records", (1_000, 10_000_000), "50000", "records that wait for the core at most"),
    whole(
        "limits.pending_records",
        (1_000, 10_000_000),
        "65536",
        "records that a listener keeps while the queue is full; past it they are dropped and counted",
    ),
    whole("limits.batch_records", (1, 1_000), "1000", "records of one transaction at most"),
    whole(
        "limits.batch_ms",
        (1, 50),
        "50",
        "milliseconds after which a transaction is committed, full or not",
    ),
    whole(
        "limits.views_mib",
        (16, 1_048_576),
        "256",
        "memory of hot views in MiB; the cold part is in the store",
    ),
    whole(
        "limits.subjects_max",
        (100, 10_000_000),
        "200000",
        "endpoints that the site may have; past it new ones are counted, not kept",
    ),
    whole(
        "limits.flows_max",
        (1_024, 16_777_216),
        "262144",
        "conversations alive at once, for each listener or file (about 350 bytes each)",
    ),
    Key {
        name: "log.format",
        kind: Kind::OneOf(&["text", "json"]),
        default: "text",
        means: "how lines on standard error look",
    },
    Key {
        name: "log.level",
        kind: Kind::OneOf(&["error", "warn", "info", "debug", "trace"]),
        default: "info",
        means: "least level that is written",
    },
];

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known name that is most like `name`, if one is like it at all.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let sections = KEYS.iter().map(Key::section);
    let candidates = KEYS.iter().map(|key| key.name).chain(sections);
    let near = candidates.map(|known| (distance(name, known), known)).min()?;
    (near.0 <= (name.chars().count() / 3).max(2)).then_some(near.1)
}

/// Edits between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cb, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = *above;
            left = substituted.min(left + 1).min(diagonal + 1);
            *above = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_nothing_far_away() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("limits.batch_sm"), Some("limits.batch_ms"));
        assert_eq!(nearest("limit.batch_ms"), Some("limits.batch_ms"));
        assert_eq!(nearest("store.folders"), Some("store.folder"));
        assert_eq!(nearest("colour.of.the.bikeshed"), None);
    }

    #[test]
    fn names_are_there_once_and_defaults_are_allowed() {
        for (place, key) in KEYS.iter().enumerate() {
            assert!(KEYS.iter().skip(place + 1).all(|other| other.name != key.name), "{}", key.name);
            if !key.default.is_empty() {
                assert!(super::super::read::from_text(key, key.default).is_ok(), "{}", key.name);
            }
        }
    }
}
