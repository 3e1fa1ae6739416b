//! pcapng: sections, interfaces, clocks and losses, in both byte orders, whole and damaged.

use sense::LinkType;

use super::build::{ORDERS, Order, Pcapng, frame};
use super::{Seen, Trickle, drain, error, read};

const TSRESOL: u16 = 9;
const TSOFFSET: u16 = 14;
const COMMENT: u16 = 1;
const DROPCOUNT: u16 = 4;
const IFDROP: u16 = 5;
const OSDROP: u16 = 7;

fn seen(at_ns: u64, link: LinkType, bytes: Vec<u8>, wire_bytes: u32) -> Seen {
    Seen { at_ns, link, bytes, wire_bytes }
}

#[test]
fn interfaces_with_their_own_link_types_and_clocks() {
    for order in ORDERS {
        let file = Pcapng::new(order)
            .interface(1, 0, &[])
            .interface(101, 0, &[(COMMENT, b"mirror".to_vec()), (TSRESOL, vec![9])])
            .interface(113, 96, &[(TSRESOL, vec![0x80 | 10]), (TSOFFSET, order.u64(1000).to_vec())])
            .enhanced(0, 1_700_000_000_000_001, &frame(1, 61), 61)
            .enhanced(1, 1_700_000_000_000_000_002, &frame(2, 40), 1500)
            .enhanced(2, 3 * 1024 + 512, &frame(3, 3), 3);
        let (frames, counters) = read(&file.bytes);
        let expected = [
            seen(1_700_000_000_000_001_000, LinkType::Ethernet, frame(1, 61), 61),
            seen(1_700_000_000_000_000_002, LinkType::RawIp, frame(2, 40), 1500),
            seen(1_003_500_000_000, LinkType::LinuxSll, frame(3, 3), 3),
        ];
        assert_eq!(frames, expected, "{order:?}");
        assert_eq!((counters.cut_frames, counters.dropped, counters.partly_read), (1, None, false));
    }
}

#[test]
fn resolutions_from_seconds_to_beyond_nanoseconds() {
    let at = |resolution: u8, ticks: u64| {
        let file = Pcapng::new(Order::Little).interface(1, 0, &[(TSRESOL, vec![resolution])]);
        read(&file.enhanced(0, ticks, b"x", 1).bytes).0[0].at_ns
    };
    assert_eq!(at(0, 5), 5_000_000_000);
    assert_eq!(at(3, 5), 5_000_000);
    assert_eq!(at(6, 5), 5_000);
    assert_eq!(at(9, 5), 5);
    assert_eq!(at(12, 5_999), 5);
    assert_eq!(at(0x80, 7), 7_000_000_000);
    assert_eq!(at(0x80 | 20, 1 << 19), 500_000_000);
    assert_eq!(at(0x80 | 32, u64::MAX), 4_294_967_295_999_999_999);
    // Nothing sensible, and no overflow either.
    assert_eq!(at(0x7F, u64::MAX), 1);
    assert_eq!(at(0xFF, u64::MAX), 0);
    assert_eq!(at(0, u64::MAX), u64::MAX);
}

#[test]
fn offsets_move_times_both_ways_and_saturate() {
    let at = |offset: i64| {
        let options = [(TSOFFSET, Order::Big.u64(offset as u64).to_vec())];
        let file = Pcapng::new(Order::Big).interface(1, 0, &options);
        read(&file.enhanced(0, 10_000_000, b"x", 1).bytes).0[0].at_ns
    };
    assert_eq!(at(-4), 6_000_000_000);
    assert_eq!(at(-11), 0);
    assert_eq!(at(i64::MIN), 0);
    assert_eq!(at(i64::MAX), u64::MAX);
}

#[test]
fn a_new_section_forgets_the_interfaces_and_may_turn_the_byte_order() {
    let file = Pcapng::new(Order::Little)
        .interface(101, 0, &[])
        .enhanced(0, 1, b"one", 3)
        .section(Order::Big)
        .interface(1, 0, &[])
        .enhanced(0, 2, b"two", 3)
        .enhanced(1, 3, b"orphan", 6);
    let (frames, counters) = read(&file.bytes);
    let expected =
        [seen(1000, LinkType::RawIp, b"one".into(), 3), seen(2000, LinkType::Ethernet, b"two".into(), 3)];
    assert_eq!(frames, expected);
    assert!(counters.partly_read);
    assert_eq!(counters.notes, ["1 frames of interfaces that the file does not describe were left out"]);
}

#[test]
fn simple_and_obsolete_packets() {
    for order in ORDERS {
        let file = Pcapng::new(order)
            .interface(1, 10, &[])
            .simple(4, b"free")
            .obsolete(0, 0xFFFF, 5_000_000, &frame(1, 9))
            .obsolete(0, 3, 6_000_000, &frame(2, 4))
            .simple(1514, &frame(3, 10));
        let (frames, counters) = read(&file.bytes);
        let expected = [
            seen(0, LinkType::Ethernet, b"free".into(), 4),
            seen(5_000_000_000, LinkType::Ethernet, frame(1, 9), 9),
            seen(6_000_000_000, LinkType::Ethernet, frame(2, 4), 4),
            // Without a time of its own: that of the frame before, cut at the snapshot length.
            seen(6_000_000_000, LinkType::Ethernet, frame(3, 10), 1514),
        ];
        assert_eq!(frames, expected, "{order:?}");
        assert_eq!((counters.dropped, counters.cut_frames), (Some(3), 1));
    }
}

#[test]
fn losses_are_totals_in_statistics_and_differences_in_packets() {
    let number = |value: u64| Order::Little.u64(value).to_vec();
    let file = Pcapng::new(Order::Little)
        .interface(1, 0, &[])
        .interface(1, 0, &[])
        .statistics(0, &[(IFDROP, number(u64::MAX))]);
    assert_eq!(read(&file.bytes).1.dropped, None, "unknown is not none");
    let file = file.statistics(0, &[(IFDROP, number(0))]);
    assert_eq!(read(&file.bytes).1.dropped, Some(0));
    let file = file
        .statistics(0, &[(IFDROP, number(10)), (OSDROP, number(2))])
        .statistics(0, &[(IFDROP, number(15))]);
    assert_eq!(read(&file.bytes).1.dropped, Some(15), "the newest total, not the sum");
    let file = file.statistics(1, &[(COMMENT, b"x".into()), (IFDROP, number(1))]);
    assert_eq!(read(&file.bytes).1.dropped, Some(16), "over all interfaces");
    let file = file.enhanced_with(0, 1, b"abc", 3, &[(COMMENT, b"hm".into()), (DROPCOUNT, number(7))]);
    assert_eq!(read(&file.bytes).1.dropped, Some(16), "the same losses told twice");
    let file = file.enhanced_with(0, 1, b"abc", 3, &[(DROPCOUNT, number(9))]);
    assert_eq!(read(&file.bytes).1.dropped, Some(17));
    let file = file.statistics(77, &[(IFDROP, number(1000))]);
    assert_eq!(read(&file.bytes).1.dropped, Some(17), "of an interface that there is not");
}

#[test]
fn other_blocks_are_stepped_over_even_large_ones() {
    let secrets = vec![0xAB; 3 * 1024 * 1024];
    let file = Pcapng::new(Order::Big)
        .interface(1, 0, &[])
        .block(4, b"names")
        .block(10, &secrets)
        .enhanced(0, 1, b"one", 3)
        .block(0x0BAD, b"custom")
        .block(0x8000_0000, &secrets)
        .enhanced(0, 2, b"two", 3);
    let (frames, counters) = read(&file.bytes);
    assert_eq!(frames.len(), 2);
    assert_eq!((counters.partly_read, counters.source_bytes_read), (false, file.bytes.len() as u64));
    let mut capture =
        ward::capture::open_reader("pipe", Box::new(Trickle::new(&file.bytes, &[7, 100_000])), None).unwrap();
    assert_eq!(drain(&mut *capture).0, frames);
}

#[test]
fn options_beyond_the_bound_do_not_hide_the_frame() {
    let long: Vec<_> = (0..3).map(|_| (COMMENT, vec![b'c'; 65_000])).collect();
    let file = Pcapng::new(Order::Little)
        .interface(1, 0, &long)
        .enhanced_with(0, 1, b"one", 3, &long)
        .enhanced_with(0, 2, &frame(5, 262_144), 262_144, &long)
        .enhanced(0, 3, b"three", 5);
    let (frames, counters) = read(&file.bytes);
    assert_eq!(frames.iter().map(|frame| frame.bytes.len()).collect::<Vec<_>>(), [3, 262_144, 5]);
    assert!(!counters.partly_read);
}

#[test]
fn damage_keeps_what_came_before_and_says_where() {
    let good = || Pcapng::new(Order::Little).interface(1, 0, &[]).enhanced(0, 1, b"one", 3);
    let place = good().bytes.len();
    let cases: [(&str, Vec<u8>); 6] = [
        ("claims 8 bytes", [0x99, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0].to_vec()),
        ("claims 16777220 bytes", [0x99, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0].to_vec()),
        ("claims 28 bytes", [6, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0].to_vec()),
        ("without byte-order magic", [0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 1, 2, 3, 4].to_vec()),
        ("at its end 13", [1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 13, 0, 0, 0].to_vec()),
        ("a frame claims 5 bytes in a block with room for 4", {
            let mut block = Pcapng { order: Order::Little, bytes: vec![] }.enhanced(0, 1, b"four", 4).bytes;
            block[20] = 5;
            block
        }),
    ];
    for (what, tail) in cases {
        let mut bytes = good().bytes;
        bytes.extend(&tail);
        bytes.extend(good().bytes);
        let (frames, counters) = read(&bytes);
        assert_eq!(frames.len(), 1, "{what}");
        assert!(counters.partly_read);
        assert!(counters.notes[0].starts_with(&format!("damaged at byte {place}: ")), "{:?}", counters.notes);
        assert!(counters.notes[0].contains(what), "{what}: {:?}", counters.notes);
    }
}

#[test]
fn lengths_without_padding_are_understood() {
    // Some writers count the block without its padding: 12 + 20 + 3 = 35, and 36 are there.
    let mut file = Pcapng::new(Order::Little).interface(1, 0, &[]).enhanced(0, 1, b"odd", 3).bytes;
    let end = file.len();
    file[end - 4] = 35;
    file[end - 32] = 35;
    let (frames, counters) = read(&file);
    assert_eq!((frames.len(), counters.partly_read), (1, false), "{:?}", counters.notes);
}

#[test]
fn cut_at_every_byte_keeps_the_frames_before() {
    for order in ORDERS {
        let mut ends = Vec::new();
        let mut file = Pcapng::new(order);
        ends.push((file.bytes.len(), 0));
        file = file.interface(1, 0, &[(TSRESOL, vec![9])]);
        ends.push((file.bytes.len(), 0));
        file = file.enhanced_with(0, 1, b"first", 5, &[(COMMENT, b"hello".into())]);
        ends.push((file.bytes.len(), 1));
        file = file.block(10, b"secrets");
        ends.push((file.bytes.len(), 1));
        file = file.simple(4, b"last");
        ends.push((file.bytes.len(), 2));
        let (all, _) = read(&file.bytes);
        for cut in 12..=file.bytes.len() {
            let (frames, counters) = read(&file.bytes[..cut]);
            let expected =
                ends.iter().filter(|(end, _)| *end <= cut).map(|(_, frames)| *frames).max().unwrap_or(0);
            assert_eq!(frames, all[..expected], "{order:?} cut at {cut}");
            assert_eq!(
                counters.partly_read,
                ends.iter().all(|(end, _)| *end != cut),
                "{order:?} cut at {cut}"
            );
        }
        for cut in 4..12 {
            assert!(
                error(&file.bytes[..cut]).contains(&format!("ends inside its header ({cut} of 12 bytes)"))
            );
        }
    }
}

#[test]
fn interfaces_are_bounded() {
    let mut file = Pcapng::new(Order::Little);
    for _ in 0..4097 {
        file = file.interface(1, 0, &[]);
    }
    let (frames, counters) = read(&file.enhanced(0, 1, b"late", 4).bytes);
    assert!(frames.is_empty());
    assert!(counters.notes[0].contains("more than 4096 interfaces in one section"));
}
