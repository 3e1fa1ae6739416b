//! Audits: stored tiles that the leaves make pass; the first that lies is named.

use super::shelf::{Shelf, leaves, root_by_definition};
use trust::tlog::{Audit, Audited, Hash, leaf_hash};

fn audit(shelf: &Shelf, leaves: &[Hash]) -> Audited {
    let mut audit = Audit::new(shelf);
    leaves.iter().for_each(|leaf| audit.push(*leaf).unwrap());
    audit.finish().unwrap()
}

#[test]
fn true_tiles_pass() {
    for size in [0, 1, 255, 256, 257, 511, 512, 66_000] {
        let all = leaves(size);
        let found = audit(&Shelf::of(&all), &all);
        assert_eq!(
            found,
            Audited { size, root: root_by_definition(&all), difference: None },
            "{size} leaves"
        );
    }
}

#[test]
fn the_first_lie_is_named() {
    let all = leaves(66_000);
    let shelf = Shelf::of(&all);
    for (place, position, path, lies) in [
        ((0, 3), 17, "tile/0/003", 785..786),
        ((0, 257), 207, "tile/0/257.p/208", 65_999..66_000),
        ((1, 0), 255, "tile/1/000", 65_280..65_536),
        ((1, 1), 0, "tile/1/001.p/1", 65_536..65_792),
        ((2, 0), 0, "tile/2/000.p/1", 0..65_536),
    ] {
        let mut lying = shelf.clone();
        lying.0.get_mut(&place).unwrap()[position][5] ^= 1;
        let found = audit(&lying, &all);
        let first = found.difference.unwrap();
        assert_eq!((first.tile.path().as_str(), usize::from(first.position)), (path, position));
        assert_eq!(first.leaves(), lies, "{path}");
        assert_eq!(found.root, root_by_definition(&all), "what the leaves say does not depend on the tiles");
    }
}

#[test]
fn a_changed_row_is_named_by_its_leaf() {
    let all = leaves(1000);
    let mut changed = all.clone();
    changed[300] = leaf_hash(b"what the row says now");
    let found = audit(&Shelf::of(&all), &changed);
    let first = found.difference.unwrap();
    assert_eq!((first.tile.path().as_str(), first.leaves()), ("tile/0/001", 300..301));
    assert_ne!(found.root, root_by_definition(&all));
}

#[test]
fn missing_and_short_tiles_are_named() {
    let all = leaves(1000);
    let mut missing = Shelf::of(&all);
    missing.0.remove(&(0, 1));
    let first = audit(&missing, &all).difference.unwrap();
    assert_eq!((first.tile.path().as_str(), first.position, first.stored), ("tile/0/001", 0, 0));

    let mut short = Shelf::of(&all);
    short.0.get_mut(&(0, 3)).unwrap().truncate(200);
    let first = audit(&short, &all).difference.unwrap();
    assert_eq!((first.tile.path().as_str(), first.position, first.stored), ("tile/0/003.p/232", 200, 200));
}

#[test]
fn a_deleted_row_shifts_all_after_it() {
    let all = leaves(1000);
    let mut fewer = all.clone();
    fewer.remove(10);
    let found = audit(&Shelf::of(&all), &fewer);
    assert_eq!(found.size, 999);
    assert_eq!(found.difference.unwrap().leaves(), 10..11);
}
