//! Tile paths: one for each tile, and no second spelling.

use proptest::prelude::*;
use trust::tlog::{Error, Tile, TilePath};

fn hashes(level: u8, index: u64, width: u16) -> TilePath {
    TilePath::Hashes(Tile::new(level, index, width).unwrap())
}

#[test]
fn paths_of_the_standard() {
    for (path, what) in [
        ("tile/0/000", hashes(0, 0, 256)),
        ("tile/0/001.p/44", hashes(0, 1, 44)),
        ("tile/1/x001/x234/067", hashes(1, 1_234_067, 256)),
        ("tile/63/999.p/255", hashes(63, 999, 255)),
        ("tile/7/x001/000.p/1", hashes(7, 1000, 1)),
        ("tile/0/x018/x446/x744/x073/x709/x551/615", hashes(0, u64::MAX, 256)),
        ("tile/entries/x123/456.p/7", TilePath::Entries(Tile::new(0, 123_456, 7).unwrap())),
        ("tile/entries/000", TilePath::Entries(Tile::new(0, 0, 256).unwrap())),
    ] {
        assert_eq!(TilePath::parse(path).as_ref(), Ok(&what), "{path}");
        assert_eq!(what.path(), path);
    }
}

#[test]
fn other_spellings_are_refused() {
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile//000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/00a",
        "tile/0/+00",
        "tile/0/-01",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/x001/x002",
        "tile/0/1/000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/a/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000 ",
        "tile/8/0/000",
        "tile/data/000",
        "tile/entries/0/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/../000",
        "tile/0/٠٠٠",
    ] {
        assert!(matches!(TilePath::parse(path), Err(Error::Malformed { .. })), "{path:?}");
    }
    assert!(matches!(TilePath::parse(&"x".repeat(1 << 20)), Err(Error::TooLarge { .. })));
}

#[test]
fn there_are_no_tiles_beyond_the_bounds() {
    assert_eq!(Tile::new(0, 0, 0), None);
    assert_eq!(Tile::new(0, 0, 257), None);
    assert_eq!(Tile::new(64, 0, 1), None);
}

proptest! {
    #[test]
    fn paths_round_trip(level in 0_u8..=63, index in any::<u64>(), shift in 0_u32..64, width in 1_u16..=256) {
        let tile = Tile::new(level, index >> shift, width).unwrap();
        prop_assert_eq!(TilePath::parse(&tile.path()), Ok(TilePath::Hashes(tile)));
        let bundle = Tile::new(0, index >> shift, width).unwrap();
        prop_assert_eq!(TilePath::parse(&tile.entries_path()), Ok(TilePath::Entries(bundle)));
    }

    #[test]
    fn what_parses_is_spelled_that_way(path in "tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,3}[0-9]{1,4}(\\.p/[0-9]{1,3})?") {
        if let Ok(parsed) = TilePath::parse(&path) {
            prop_assert_eq!(parsed.path(), path);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(path in "\\PC*") {
        let _ = TilePath::parse(&path);
    }
}
