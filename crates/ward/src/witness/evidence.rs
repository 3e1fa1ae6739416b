//! Keeps what a log signed and cannot stand by: requests whose signature holds and whose history does not.
//!
//! It must not fill the disk: a few for each log, and none twice. C2SP tlog-witness ("might be proof of log misbehavior").

use sha2::{Digest as _, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use trust::tlog::witness::origin_hash;

/// Folder of the evidence within the witness's folder.
const FOLDER: &str = "evidence";
/// Requests kept for each log.
const KEPT_MAX: usize = 16;
/// Bytes of a hash that are written in a file's name.
const NAME_BYTES: usize = 8;

/// Keeps a request, and says where. `None` where it is there already, or the log has used up its room.
pub(super) fn keep(folder: &Path, origin: &str, request: &[u8]) -> io::Result<Option<PathBuf>> {
    let folder = folder.join(FOLDER).join(origin_hash(origin));
    std::fs::create_dir_all(&folder)?;
    let hash = Sha256::digest(request);
    let name: String = hash.iter().take(NAME_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join(format!("{name}.txt"));
    if path.exists() || std::fs::read_dir(&folder)?.take(KEPT_MAX).count() == KEPT_MAX {
        return Ok(None);
    }
    std::fs::write(&path, request)?;
    Ok(Some(path))
}
