//! The store's folder: there, ours, private, on a disk that keeps what it is given, and with room.

use super::Check;
use crate::config::Config;
use model::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Flushes that are measured.
const FLUSHES: usize = 20;
/// What each writes, in bytes: about a page of the write-ahead log.
const FLUSH_BYTES: usize = 4096;
/// A flush slower than this makes commits slower than their 50 ms.
const FLUSH_SLOW: Duration = Duration::from_millis(25);
/// Room below which the store will not run for long, in bytes.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Days of room below which somebody should look.
const DAYS_MIN: u64 = 30;

/// File systems by their magic number (linux/magic.h, fs/smb/common): name, and what is wrong with them.
const FILE_SYSTEMS: &[(i64, &str, &str)] = &[
    (0x6969, "NFS", NETWORK),
    (0x517b, "SMB", NETWORK),
    (0xff53_4d42, "CIFS", NETWORK),
    (0xfe53_4d42, "SMB2", NETWORK),
    (0x0102_1997, "9P", NETWORK),
    (0x5346_414f, "AFS", NETWORK),
    (0x00c3_6400, "Ceph", NETWORK),
    (0x6573_5546, "FUSE", "whether it keeps what is flushed depends on the program behind it"),
    (0x0102_1994, "tmpfs", "it is memory: everything is gone after a restart"),
    (0x8584_58f6, "ramfs", "it is memory: everything is gone after a restart"),
];
const NETWORK: &str = "locks and flushes over a network are not reliable enough for a database";

pub(super) fn examine(config: &Config, now: Timestamp) -> Vec<Check> {
    let folder = config.store.folder.as_path();
    let shown = folder.display();
    match std::fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => {
            let mut checks = vec![owner(folder, &metadata)];
            checks.push(file_system(folder));
            checks.push(room(folder, now));
            checks.push(flushes(folder));
            checks
        }
        Ok(_) => vec![Check::failed(
            "store folder",
            format!("{shown} is not a folder"),
            "name a folder in store.folder",
        )],
        Err(error) => vec![Check::failed(
            "store folder",
            format!("{shown}: {error}"),
            format!(
                "make it for the user that runs ward: sudo install -d -m 0700 -o ward -g ward {shown}; under systemd StateDirectory=ward does"
            ),
        )],
    }
}

#[cfg(unix)]
fn owner(folder: &Path, metadata: &std::fs::Metadata) -> Check {
    use std::os::unix::fs::MetadataExt as _;
    const NAME: &str = "store folder";
    let (shown, mode, us) = (folder.display(), metadata.mode() & 0o7777, nix::unistd::geteuid());
    if nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK).is_err() {
        let detail =
            format!("{shown} cannot be written by this user (it belongs to user {})", metadata.uid());
        return Check::failed(
            NAME,
            detail,
            "run ward doctor as the user that runs ward, or change the folder's owner",
        );
    }
    if mode & 0o022 != 0 {
        let detail = format!("{shown} can be written by others (mode {mode:04o})");
        return Check::failed(NAME, detail, format!("sudo chmod 0700 {shown}"));
    }
    if mode & 0o055 != 0 {
        let detail =
            format!("{shown} can be looked into by others (mode {mode:04o}); the store in it is encrypted");
        return Check::warning(NAME, detail, format!("sudo chmod 0700 {shown}"));
    }
    if us.is_root() && metadata.uid() == 0 {
        let detail = format!("{shown} belongs to root: ward would have to run as root");
        return Check::warning(NAME, detail, "give ward a user of its own: packaging/ward.service does");
    }
    Check::ok(NAME, format!("{shown} can be written, and only by its owner (mode {mode:04o})"))
}

#[cfg(not(unix))]
fn owner(folder: &Path, _: &std::fs::Metadata) -> Check {
    Check::unknown("store folder", format!("{}: owner and mode are known on Unix only", folder.display()))
}

#[cfg(target_os = "linux")]
fn file_system(folder: &Path) -> Check {
    const NAME: &str = "file system";
    match nix::sys::statfs::statfs(folder) {
        Ok(found) => {
            let magic = found.filesystem_type().0;
            match FILE_SYSTEMS.iter().find(|(number, ..)| *number == magic & 0xffff_ffff) {
                Some((_, name, fault)) => {
                    Check::warning(NAME, format!("{name}: {fault}"), "put the store's folder on a local disk")
                }
                None => Check::ok(NAME, "local"),
            }
        }
        Err(error) => Check::unknown(NAME, error.to_string()),
    }
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &Path) -> Check {
    Check::unknown("file system", format!("{} kinds are known on Linux only", FILE_SYSTEMS.len()))
}

#[cfg(unix)]
fn room(folder: &Path, now: Timestamp) -> Check {
    const NAME: &str = "free space";
    let found = match nix::sys::statvfs::statvfs(folder) {
        Ok(found) => found,
        Err(error) => return Check::unknown(NAME, error.to_string()),
    };
    let free = (found.blocks_available() as u64).saturating_mul(found.fragment_size() as u64);
    let days = days_left(folder, free, now);
    let days_said = days.map_or_else(String::new, |days| format!(", about {days} days at the rate so far"));
    let detail = format!("{:.1} GiB{days_said}", free as f64 / f64::from(1 << 30));
    if free < FREE_BYTES_MIN {
        Check::failed(NAME, detail, "free space, or move the store's folder to a larger disk")
    } else if days.is_some_and(|days| days < DAYS_MIN) {
        Check::warning(NAME, detail, "give it a larger disk, or keep less (retention)")
    } else {
        Check::ok(NAME, detail)
    }
}

#[cfg(not(unix))]
fn room(_: &Path, _: Timestamp) -> Check {
    Check::unknown("free space", "known on Unix only")
}

/// By what the database has grown a day since it was made; unknown in its first day.
#[cfg(unix)]
fn days_left(folder: &Path, free_bytes: u64, now: Timestamp) -> Option<u64> {
    let database = std::fs::metadata(folder.join(store::DATABASE_FILE)).ok()?;
    let made = database.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let days = now.as_secs().checked_sub(made.as_secs())? / 86_400;
    let daily = database.len().checked_div(days)?;
    free_bytes.checked_div(daily)
}

/// The middle of so many flushes: what a commit costs at least.
fn flushes(folder: &Path) -> Check {
    const NAME: &str = "flush";
    let path = folder.join(format!(".ward-doctor-{}", std::process::id()));
    let measured = measure(&path);
    let removed = std::fs::remove_file(&path);
    match measured.and_then(|took| removed.map(|()| took)) {
        Ok(took) => {
            let detail = format!("{:.2} ms in the middle of {FLUSHES}", took.as_secs_f64() * 1e3);
            if took > FLUSH_SLOW {
                let way_out = "a disk with a protected write cache, or an SSD; batches of 1,000 records make up for some of it";
                Check::warning(NAME, detail, way_out)
            } else {
                Check::ok(NAME, detail)
            }
        }
        Err(error) => Check::unknown(NAME, error.to_string()),
    }
}

fn measure(path: &Path) -> std::io::Result<Duration> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    let mut took = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        file.write_all(&[0; FLUSH_BYTES])?;
        let began = Instant::now();
        file.sync_data()?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(took.get(FLUSHES / 2).copied().unwrap_or_default())
}
