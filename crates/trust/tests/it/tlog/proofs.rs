//! Proofs from tiles verify, and nothing else does.

use super::shelf::{Shelf, leaves, root_by_definition};
use proptest::prelude::*;
use trust::tlog::{
    EMPTY_ROOT, Error, Hash, TileReader, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};

/// Every pair of sizes up to this is proved consistent.
const PAIRS_MAX: u64 = 300;

#[test]
fn every_pair_of_sizes_is_consistent() {
    let all = leaves(PAIRS_MAX);
    let shelf = Shelf::of(&all);
    let roots: Vec<Hash> = (0..=PAIRS_MAX as usize).map(|size| root_by_definition(&all[..size])).collect();
    let root = |size: u64| &roots[size as usize];
    for new in 1..=PAIRS_MAX {
        let mut reader = TileReader::new(&shelf, new);
        assert_eq!(reader.consistency_proof(0), Ok(Vec::new()));
        for old in 1..=new {
            let proof = reader.consistency_proof(old).unwrap();
            assert_eq!(verify_consistency(old, new, &proof, root(old), root(new)), Ok(()), "{old} to {new}");
            let other = root(old - 1);
            assert!(
                verify_consistency(old, new, &proof, other, root(new)).is_err(),
                "{old} to {new}, other root"
            );
        }
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_included() {
    let all = leaves(130);
    let shelf = Shelf::of(&all);
    for size in 1..=130_u64 {
        let mut reader = TileReader::new(&shelf, size);
        let root = reader.root().unwrap();
        for index in 0..size {
            let proof = reader.inclusion_proof(index).unwrap();
            let leaf = &all[index as usize];
            assert_eq!(verify_inclusion(leaf, index, size, &proof, &root), Ok(()), "{index} of {size}");
        }
    }
}

/// Two leaves, by hand.
#[test]
fn a_proof_is_what_the_definition_says() {
    let all = leaves(3);
    let shelf = Shelf::of(&all);
    let mut reader = TileReader::new(&shelf, 3);
    let left = node_hash(&all[0], &all[1]);
    assert_eq!(reader.inclusion_proof(0), Ok(vec![all[1], all[2]]));
    assert_eq!(reader.inclusion_proof(2), Ok(vec![left]));
    assert_eq!(reader.consistency_proof(1), Ok(vec![all[1], all[2]]));
    assert_eq!(reader.consistency_proof(2), Ok(vec![all[2]]));
    assert_eq!(reader.consistency_proof(3), Ok(Vec::new()));
    assert_eq!(reader.root(), Ok(node_hash(&left, &all[2])));
}

#[test]
fn what_is_not_in_the_tree_is_refused() {
    let shelf = Shelf::of(&leaves(10));
    let mut reader = TileReader::new(&shelf, 10);
    assert_eq!(reader.inclusion_proof(10), Err(Error::OutOfTree { what: "leaf", asked: 10, size: 10 }));
    assert_eq!(reader.consistency_proof(11), Err(Error::OutOfTree { what: "size", asked: 11, size: 10 }));
    assert!(reader.inclusion_proof(u64::MAX).is_err());
    assert!(reader.root_at(11).is_err());
    assert!(TileReader::new(&shelf, u64::MAX).root().is_err(), "tiles that are not there are an error");
}

/// Cases that RFC 9162 leaves open, as transparency-dev/merkle settles them.
#[test]
fn empty_trees_prove_nothing() {
    let leaf = leaf_hash(b"a");
    assert!(verify_consistency(0, 0, &[], &EMPTY_ROOT, &EMPTY_ROOT).is_err());
    assert!(verify_consistency(0, 1, &[], &EMPTY_ROOT, &leaf).is_err());
    assert!(verify_consistency(0, 1, &[leaf], &EMPTY_ROOT, &leaf).is_err());
    assert!(verify_consistency(1, 0, &[], &leaf, &EMPTY_ROOT).is_err());
    assert!(verify_consistency(1, 1, &[leaf], &leaf, &leaf).is_err());
    assert_eq!(verify_consistency(1, 1, &[], &leaf, &leaf), Ok(()));
    assert!(verify_inclusion(&EMPTY_ROOT, 0, 0, &[], &EMPTY_ROOT).is_err());
    assert!(verify_inclusion(&leaf, u64::MAX, u64::MAX, &[], &leaf).is_err());
    assert_eq!(verify_inclusion(&leaf, 0, 1, &[], &leaf), Ok(()));
}

/// One change to a proof or to what it is about.
#[derive(Debug, Clone)]
enum Change {
    Bit(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Add(prop::sample::Index),
    Double(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, bit)| Change::Bit(at, bit)),
        place().prop_map(Change::Drop),
        place().prop_map(Change::Add),
        place().prop_map(Change::Double),
        (place(), place()).prop_map(|(one, other)| Change::Swap(one, other)),
    ]
}

fn changed(proof: &[Hash], change: &Change) -> Vec<Hash> {
    let mut proof = proof.to_vec();
    if proof.is_empty() {
        return vec![[0; 32]];
    }
    let count = proof.len();
    match change {
        Change::Bit(at, bit) => proof[at.index(count)][usize::from(bit / 8)] ^= 1 << (bit % 8),
        Change::Drop(at) => drop(proof.remove(at.index(count))),
        Change::Add(at) => proof.insert(at.index(count + 1), [9; 32]),
        Change::Double(at) => proof.insert(at.index(count), proof[at.index(count)]),
        Change::Swap(one, other) => proof.swap(one.index(count), other.index(count)),
    }
    proof
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_changed_inclusion_proof_is_refused(
        size in 1_u64..3000,
        leaf in any::<prop::sample::Index>(),
        change in change(),
        other_index in any::<u64>(),
    ) {
        let all = leaves(size);
        let shelf = Shelf::of(&all);
        let mut reader = TileReader::new(&shelf, size);
        let index = leaf.index(all.len());
        let (root, proof) = (reader.root().unwrap(), reader.inclusion_proof(index as u64).unwrap());
        let hash = all[index];
        let index = index as u64;
        prop_assert_eq!(verify_inclusion(&hash, index, size, &proof, &root), Ok(()));
        let wrong = changed(&proof, &change);
        prop_assert!(wrong == proof || verify_inclusion(&hash, index, size, &wrong, &root).is_err());
        prop_assert!(verify_inclusion(&leaf_hash(b"another"), index, size, &proof, &root).is_err());
        prop_assert!(other_index == index || verify_inclusion(&hash, other_index, size, &proof, &root).is_err());
        let beside = (index + 1) % size;
        prop_assert!(beside == index || verify_inclusion(&hash, beside, size, &proof, &root).is_err());
        let mut other_root = root;
        other_root[0] ^= 1;
        prop_assert!(verify_inclusion(&hash, index, size, &proof, &other_root).is_err());
    }

    #[test]
    fn a_changed_consistency_proof_is_refused(sizes in (1_u64..3000, 1_u64..3000), change in change()) {
        let (old, new) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
        let shelf = Shelf::of(&leaves(new));
        let mut reader = TileReader::new(&shelf, new);
        let (old_root, new_root) = (reader.root_at(old).unwrap(), reader.root().unwrap());
        let proof = reader.consistency_proof(old).unwrap();
        prop_assert_eq!(verify_consistency(old, new, &proof, &old_root, &new_root), Ok(()));
        let wrong = changed(&proof, &change);
        prop_assert!(wrong == proof || verify_consistency(old, new, &wrong, &old_root, &new_root).is_err());
        let mut forked = new_root;
        forked[31] ^= 0x80;
        prop_assert!(verify_consistency(old, new, &proof, &old_root, &forked).is_err());
        prop_assert!(verify_consistency(new + 1, old, &proof, &old_root, &new_root).is_err());
    }
}
