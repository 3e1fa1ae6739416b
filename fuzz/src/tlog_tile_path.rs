//! Target: paths of tiles and entry bundles, as clients of the ledger ask for them.

use trust::tlog::{TILE_WIDTH, TilePath};

/// Must neither panic nor hang on any bytes; each tile has one path.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(path) = TilePath::parse(text) {
        assert_eq!(path.path(), text, "a path has one form");
        assert!((1..=TILE_WIDTH).contains(&path.tile().width()), "no tile is empty");
    }
}
