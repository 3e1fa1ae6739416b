//! Input number n: a seed, changed the way that broken or hostile senders change messages. Follows from the numbers alone.

use super::material::INPUT_BYTES_MAX;
use testkit::random::{Random, scramble};

/// Most changes to one input.
const CHANGES_MAX: usize = 6;
/// Numbers that length and count fields get wrong.
const LIES: &[u64] =
    &[0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fff_ffff, 0xffff_ffff];

/// Makes input `number` of the run with `seed` out of `inputs`.
pub(super) fn input(inputs: &[Vec<u8>], seed: u64, number: u64) -> Vec<u8> {
    // The first pass is the material as it is.
    if let Some(plain) = usize::try_from(number).ok().and_then(|number| inputs.get(number)) {
        return plain.clone();
    }
    let mut random = Random::new(scramble(seed) ^ scramble(number));
    let mut input = random.pick(inputs).cloned().unwrap_or_default();
    for _ in 0..=random.below(CHANGES_MAX) {
        change(&mut input, inputs, &mut random);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn change(input: &mut Vec<u8>, inputs: &[Vec<u8>], random: &mut Random) {
    match random.below(10) {
        0 => flip(input, random),
        1 => {
            let keep = random.below(input.len() + 1);
            input.truncate(keep);
        }
        2 => repeat(input, random),
        3 => {
            let other = random.pick(inputs).map_or(&[][..], Vec::as_slice);
            splice(input, other, random);
        }
        4 | 5 => lie(input, random),
        6 => fill(input, random),
        7 => remove(input, random),
        8 => {
            let mut bytes = vec![0; 1 + random.below(24)];
            random.fill(&mut bytes);
            insert(input, &bytes, random);
        }
        _ => nudge(input, random),
    }
}

fn flip(input: &mut [u8], random: &mut Random) {
    let (at, bit) = (random.below(input.len()), random.below(8));
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

/// Adds or takes a little: lengths that are nearly right.
fn nudge(input: &mut [u8], random: &mut Random) {
    let (at, by) = (random.below(input.len()), random.below(5) as u8);
    if let Some(byte) = input.get_mut(at) {
        *byte = byte.wrapping_add(by).wrapping_sub(2);
    }
}

/// Writes a number that breaks length fields, in 1, 2, 3 or 4 bytes and either order.
fn lie(input: &mut [u8], random: &mut Random) {
    let lie = random.pick(LIES).copied().unwrap_or(0);
    let (width, at) = (1 + random.below(4), random.below(input.len()));
    let little = random.below(2) == 0;
    let bytes = if little { lie.to_le_bytes() } else { lie.swap_bytes().to_le_bytes() };
    let bytes = if little { bytes.get(..width) } else { bytes.get(8 - width..) };
    for (place, byte) in input.iter_mut().skip(at).zip(bytes.unwrap_or(&[])) {
        *place = *byte;
    }
}

/// Repeats a piece many times: nesting, loops, counts.
fn repeat(input: &mut Vec<u8>, random: &mut Random) {
    let piece = piece(input, random).to_vec();
    let times = 1 + random.below(if piece.len() < 16 { 200 } else { 4 });
    insert(input, &piece.repeat(times), random);
}

fn fill(input: &mut [u8], random: &mut Random) {
    let byte = random.pick(&[0, 0xff, b'A', b' ', b'0']).copied().unwrap_or(0);
    let (at, length) = (random.below(input.len()), 1 + random.below(64));
    input.iter_mut().skip(at).take(length).for_each(|place| *place = byte);
}

fn remove(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len());
    let length = random.below(16).min(input.len() - at);
    input.drain(at..at + length);
}

/// The front of this, the back of another.
fn splice(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let (keep, from) = (random.below(input.len() + 1), random.below(other.len() + 1));
    input.truncate(keep);
    input.extend_from_slice(other.get(from..).unwrap_or(&[]));
}

fn insert(input: &mut Vec<u8>, bytes: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    input.splice(at..at, bytes.iter().copied().take(INPUT_BYTES_MAX));
}

fn piece<'a>(input: &'a [u8], random: &mut Random) -> &'a [u8] {
    let at = random.below(input.len());
    let length = 1 + random.below(32);
    input.get(at..(at + length).min(input.len())).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn inputs_follow_from_the_numbers() {
        let seeds = [Vec::new(), b"hello".to_vec(), b"a longer message".to_vec()];
        let run = |seed| (0..500).map(|number| input(&seeds, seed, number)).collect::<Vec<_>>();
        assert_eq!(run(1), run(1));
        assert_eq!(run(1)[..3], seeds, "the material itself comes first");
        assert_ne!(run(1)[3..], run(2)[3..]);
        let different: BTreeSet<_> = run(1).into_iter().collect();
        assert!(different.len() > 300, "{} different inputs", different.len());
        assert!(different.iter().all(|input| input.len() <= INPUT_BYTES_MAX));
    }
}
