//! The name that a ledger goes on under after a restore.
//!
//! A backup ends where it was made; the ledger it was made of may have gone on, and others may have seen it. If the restored store
//! signed under the same name, there would be two histories under one key: a fork. So a restore gives it a new name, the configured
//! one with the time of the restore behind it, kept in the store's folder.

use std::io::Write as _;
use std::path::Path;

/// The file in the store's folder.
const NAME_FILE: &str = "ledger-name";
/// Bytes of the longest name that is read.
const NAME_BYTES_MAX: usize = 255;
/// What stands between the configured name and the time of the restore.
const MARK: &str = "-restored-";

/// The name in force where `configured` is configured: another one configured by hand is as new as one of ours.
pub fn in_force(folder: &Path, configured: &str) -> String {
    let kept = std::fs::read_to_string(folder.join(NAME_FILE)).unwrap_or_default();
    let kept = kept.trim();
    let is_ours = kept.strip_prefix(configured).is_some_and(|rest| rest.starts_with(MARK));
    if is_ours && kept.len() <= NAME_BYTES_MAX { kept.to_owned() } else { configured.to_owned() }
}

/// Keeps a new name for a store restored at `now` (seconds since 1970); what it is.
///
/// # Errors
/// Those of the file.
pub fn renew(folder: &Path, configured: &str, now_s: u64) -> std::io::Result<String> {
    let base = configured.split(MARK).next().unwrap_or(configured);
    let name = format!("{base}{MARK}{now_s}");
    let fresh = folder.join("ledger-name.new");
    let mut file = std::fs::File::create(&fresh)?;
    file.write_all(name.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, folder.join(NAME_FILE))?;
    Ok(name)
}

/// Forgets the name of a restore that was not finished.
pub fn forget(folder: &Path) {
    let _ = std::fs::remove_file(folder.join(NAME_FILE));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_ledger_has_a_name_of_its_own_until_another_is_configured() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(in_force(folder.path(), "a/1"), "a/1");
        let name = renew(folder.path(), "a/1", 1_790_000_000).unwrap();
        assert_eq!(name, "a/1-restored-1790000000");
        assert_eq!(in_force(folder.path(), "a/1"), name);
        assert_eq!(in_force(folder.path(), "a/2"), "a/2");
        // Restored again: one mark, not two.
        assert_eq!(renew(folder.path(), &name, 1_790_000_001).unwrap(), "a/1-restored-1790000001");
        forget(folder.path());
        assert_eq!(in_force(folder.path(), "a/1"), "a/1");
    }
}
