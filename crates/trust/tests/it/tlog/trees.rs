//! Roots, edges and tiles: against the definition, against known roots, and in batches of any size.

use super::shelf::{Shelf, hex, leaves, root_by_definition};
use proptest::prelude::*;
use trust::tlog::entries::{ENTRY_BYTES_MAX, parse_bundle, push_entry};
use trust::tlog::{EMPTY_ROOT, Error, Frontier, LEAVES_MAX, Tile, TileBuilder, TileReader, leaf_hash};

/// The eight leaves that implementations of RFC 6962 have tested each other with since Certificate Transparency, and the roots
/// of the trees of the first one, two, … of them.
const KNOWN: [(&[u8], &str); 8] = [
    (&[], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (&[0x00], "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (&[0x10], "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (&[0x20, 0x21], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (&[0x30, 0x31], "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (&[0x40, 0x41, 0x42, 0x43], "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ),
    (
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
];

#[test]
fn known_roots() {
    let (mut frontier, mut builder) = (Frontier::default(), TileBuilder::default());
    assert_eq!(hex(&frontier.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (entry, root) in KNOWN {
        frontier.push(leaf_hash(entry));
        builder.append(&[leaf_hash(entry)]).unwrap();
        assert_eq!(hex(&frontier.root()), root);
        assert_eq!(hex(&builder.root()), root);
    }
}

#[test]
fn every_size_has_the_root_of_the_definition() {
    let all = leaves(600);
    let shelf = Shelf::of(&all);
    let (mut frontier, mut builder) = (Frontier::default(), TileBuilder::default());
    let mut reader = TileReader::new(&shelf, 600);
    for size in 0..=600_usize {
        let root = root_by_definition(&all[..size]);
        assert_eq!(frontier.root(), root, "edge of {size}");
        assert_eq!(builder.root(), root, "tiles of {size}");
        assert_eq!(builder.frontier(), frontier, "edge from tiles of {size}");
        assert_eq!(reader.root_at(size as u64), Ok(root), "read from stored tiles, {size}");
        if let Some(leaf) = all.get(size) {
            frontier.push(*leaf);
            builder.append(&[*leaf]).unwrap();
        }
    }
}

#[test]
fn an_edge_survives_its_bytes() {
    let mut frontier = Frontier::default();
    for leaf in leaves(300) {
        let bytes = frontier.to_bytes();
        assert_eq!(bytes.len(), 8 + 32 * frontier.size().count_ones() as usize);
        assert_eq!(Frontier::from_bytes(&bytes).as_ref(), Ok(&frontier));
        for cut in 0..bytes.len() {
            assert!(Frontier::from_bytes(&bytes[..cut]).is_err(), "cut to {cut}");
        }
        assert!(Frontier::from_bytes(&[bytes.as_slice(), &[0; 32]].concat()).is_err());
        frontier.push(leaf);
    }
    let too_large = [(LEAVES_MAX + 1).to_be_bytes().as_slice(), &[7; 32]].concat();
    assert!(Frontier::from_bytes(&too_large).is_err());
}

/// C2SP tlog-tiles, "Partial Tiles": the trees of 70,000 and of 256 leaves.
#[test]
fn tiles_of_the_standards_examples() {
    let shelf = Shelf::of(&leaves(70_000));
    let widths = |level: u8| -> Vec<usize> {
        shelf.0.iter().filter(|((at, _), _)| *at == level).map(|(_, tile)| tile.len()).collect()
    };
    assert_eq!(widths(0), [vec![256; 273], vec![112]].concat());
    assert_eq!(widths(1), [256, 17]);
    assert_eq!(widths(2), [1]);
    assert_eq!(shelf.0.len(), 274 + 2 + 1);

    let small = Shelf::of(&leaves(256));
    assert_eq!(small.0.keys().copied().collect::<Vec<_>>(), [(0, 0), (1, 0)]);
    assert_eq!((small.0[&(0, 0)].len(), small.0[&(1, 0)].len()), (256, 1));
    assert_eq!(Tile::of_tree(256, 0, 1), None, "no empty tile");
    assert_eq!(Tile::of_tree(70_000, 1, 1), Tile::new(1, 1, 17));
}

#[test]
fn only_new_and_grown_tiles_are_yielded() {
    let all = leaves(600);
    let mut builder = TileBuilder::default();
    let grown = |builder: &mut TileBuilder, from: usize, to: usize| -> Vec<String> {
        builder.append(&all[from..to]).unwrap().iter().map(|grown| grown.tile.path()).collect()
    };
    assert_eq!(grown(&mut builder, 0, 0), [""; 0]);
    assert_eq!(grown(&mut builder, 0, 200), ["tile/0/000.p/200"]);
    assert_eq!(grown(&mut builder, 200, 255), ["tile/0/000.p/255"]);
    assert_eq!(grown(&mut builder, 255, 256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(grown(&mut builder, 256, 300), ["tile/0/001.p/44"]);
    assert_eq!(grown(&mut builder, 300, 600), ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"]);
    assert_eq!(grown(&mut builder, 600, 600), [""; 0]);
}

#[test]
fn a_torn_edge_is_named() {
    let mut shelf = Shelf::of(&leaves(300));
    shelf.0.get_mut(&(0, 1)).unwrap().pop();
    let torn = Error::Tile { path: "tile/0/001.p/44".to_owned(), found: 43, needed: 44 };
    assert_eq!(TileBuilder::open(&shelf, 300), Err(torn.clone()));
    assert_eq!(TileReader::new(&shelf, 300).root(), Err(torn));
    assert!(TileBuilder::open(&shelf, LEAVES_MAX + 1).is_err());
}

#[test]
fn bundles_hold_what_was_put_in() {
    let entries: Vec<Vec<u8>> = (0..256_usize).map(|length| vec![7; length]).collect();
    let mut bundle = Vec::new();
    entries.iter().for_each(|entry| push_entry(&mut bundle, entry).unwrap());
    assert_eq!(&bundle[..5], [0, 0, 0, 1, 7], "lengths are two bytes, big-endian");
    assert_eq!(parse_bundle(&bundle).unwrap(), entries);
    assert!(parse_bundle(&bundle[..bundle.len() - 1]).is_err());
    push_entry(&mut bundle, b"one too many").unwrap();
    assert!(matches!(parse_bundle(&bundle), Err(Error::TooLarge { found: 257, max: 256, .. })));
    assert!(parse_bundle(&[]).is_err(), "an empty bundle is never served");

    let before = bundle.clone();
    assert!(push_entry(&mut bundle, &vec![0; ENTRY_BYTES_MAX + 1]).is_err());
    assert_eq!(bundle, before);
    push_entry(&mut Vec::new(), &vec![0; ENTRY_BYTES_MAX]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn batches_of_any_size_give_the_same_tiles(batches in prop::collection::vec(0_usize..700, 1..8)) {
        let all = leaves(batches.iter().sum::<usize>() as u64);
        let (mut shelf, mut size) = (Shelf::default(), 0);
        for batch in batches {
            // As after a restart: nothing but the stored tiles.
            let mut builder = TileBuilder::open(&shelf, size as u64).unwrap();
            let grown = builder.append(&all[size..size + batch]).unwrap();
            size += batch;
            let promised = tlog_tiles::Tile::new_tiles(8, (size - batch) as u64, size as u64);
            prop_assert_eq!(grown.len(), promised.len(), "as many as the peer says");
            for (ours, theirs) in grown.iter().zip(&promised) {
                let theirs_at = (theirs.level(), theirs.level_index(), theirs.width());
                prop_assert_eq!((ours.tile.level(), ours.tile.index(), u32::from(ours.tile.width())), theirs_at);
            }
            shelf.put(grown);
            prop_assert_eq!(builder.size(), size as u64);
            prop_assert_eq!(builder.root(), root_by_definition(&all[..size]));
        }
        prop_assert_eq!(shelf, Shelf::of(&all));
    }

    #[test]
    fn bundles_round_trip(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..50)) {
        let mut bundle = Vec::new();
        for entry in &entries {
            push_entry(&mut bundle, entry).unwrap();
        }
        prop_assert_eq!(parse_bundle(&bundle).unwrap(), entries);
    }
}

#[test]
fn the_empty_root_is_a_constant() {
    assert_eq!(EMPTY_ROOT, root_by_definition(&[]));
}
