//! Gives a copy of a frame its own addresses and client port, and makes its checksums right.

use crate::random::scramble;

const ETHERTYPE_VLAN: u16 = 0x8100;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// Ports below this belong to services and stay.
const CLIENT_PORT_MIN: u16 = 1024;
const CLIENT_PORTS: u64 = 64_000;

/// `hosts` chooses the addresses, `copy` the client port; both directions of a session come out alike.
pub(super) fn rewrite(frame: &mut [u8], hosts: u64, copy: u64) {
    let Some((ethernet, mut rest)) = frame.split_at_mut_checked(14) else { return };
    let mut ethertype = u16_be(ethernet, 12);
    for address in ethernet.chunks_exact_mut(6) {
        mac(address, hosts);
    }
    while ethertype == ETHERTYPE_VLAN {
        let Some((tag, after)) = rest.split_at_mut_checked(4) else { return };
        ethertype = u16_be(tag, 2);
        rest = after;
    }
    match ethertype {
        0x0806 => arp(rest, hosts),
        0x0800 => ipv4_packet(rest, hosts, copy),
        0x86dd => ipv6_packet(rest, hosts, copy),
        _ => {}
    }
}

/// RFC 826: hardware and protocol address of sender and target.
fn arp(packet: &mut [u8], hosts: u64) {
    if packet.len() < 28 {
        return;
    }
    for at in [8, 18] {
        packet.get_mut(at..at + 6).into_iter().for_each(|address| mac(address, hosts));
        packet.get_mut(at + 6..at + 10).into_iter().for_each(|address| ipv4(address, hosts));
    }
}

fn ipv4_packet(packet: &mut [u8], hosts: u64, copy: u64) {
    let Some(first) = packet.first().copied().filter(|first| first >> 4 == 4) else { return };
    let header_bytes = usize::from(first & 15) * 4;
    let total = usize::from(u16_be(packet, 2));
    let Some((header, body)) = packet.split_at_mut_checked(header_bytes.max(20)) else { return };
    for at in [12, 16] {
        header.get_mut(at..at + 4).into_iter().for_each(|address| ipv4(address, hosts));
    }
    put(header, 10, 0);
    put(header, 10, fold(sum(0, header)));
    let is_whole = u16_be(header, 6) & 0x3fff == 0;
    let segment = total.checked_sub(header.len()).and_then(|length| body.get_mut(..length));
    if let Some(segment) = segment.filter(|_| is_whole) {
        let addresses = sum(0, header.get(12..20).unwrap_or(&[]));
        let protocol = header.get(9).copied().unwrap_or(0);
        transport(protocol, addresses, segment, copy);
    }
}

fn ipv6_packet(packet: &mut [u8], hosts: u64, copy: u64) {
    let Some((header, body)) = packet.split_at_mut_checked(40) else { return };
    for at in [8, 24] {
        header.get_mut(at..at + 16).into_iter().for_each(|address| ipv6(address, hosts));
    }
    let length = usize::from(u16_be(header, 4));
    if let Some(segment) = body.get_mut(..length) {
        let addresses = sum(0, header.get(8..40).unwrap_or(&[]));
        let protocol = header.get(6).copied().unwrap_or(0);
        transport(protocol, addresses, segment, copy);
    }
}

/// Sets port and checksum; `addresses` is the sum of the pseudo-header's addresses.
fn transport(protocol: u8, addresses: u64, segment: &mut [u8], copy: u64) {
    let (checksum_at, header_bytes) = match protocol {
        TCP => (16, 20),
        UDP => (6, 8),
        ICMPV6 => (2, 4),
        _ => return,
    };
    if segment.len() < header_bytes {
        return;
    }
    if protocol != ICMPV6 {
        client_port(segment, copy);
    }
    // UDP over IPv4 may go without a checksum (RFC 768); such a frame stays so.
    if protocol == UDP && u16_be(segment, checksum_at) == 0 {
        return;
    }
    put(segment, checksum_at, 0);
    let pseudo_header = addresses + u64::from(protocol) + segment.len() as u64;
    let checksum = fold(sum(pseudo_header, segment));
    put(segment, checksum_at, if protocol == UDP && checksum == 0 { 0xffff } else { checksum });
}

/// The larger port is the client's: it becomes the copy's own, the same in both directions.
fn client_port(segment: &mut [u8], copy: u64) {
    let (source, target) = (u16_be(segment, 0), u16_be(segment, 2));
    let (at, port) = if source > target { (0, source) } else { (2, target) };
    if source == target || port < CLIENT_PORT_MIN {
        return;
    }
    let own = scramble(u64::from(port) ^ copy << 20) % CLIENT_PORTS;
    put(segment, at, CLIENT_PORT_MIN.saturating_add(u16::try_from(own).unwrap_or(0)));
}

/// Keeps groups, broadcast and the null address; keeps the first two bytes of the maker's prefix.
fn mac(address: &mut [u8], hosts: u64) {
    let [first, _, own @ ..] = address else { return };
    if *first & 1 == 1 || (*first == 0 && own.iter().all(|byte| *byte == 0)) {
        return;
    }
    let number = own.iter().fold(u64::from(*first), |number, byte| number << 8 | u64::from(*byte));
    fill(own, scramble(number ^ hosts.wrapping_mul(0x9e37)));
}

/// Into 10.0.0.0/8; keeps 0/8, loopback, multicast and what looks like a subnet's broadcast.
fn ipv4(address: &mut [u8], hosts: u64) {
    let [a @ (1..=126 | 128..=223), b, c, d @ 0..=254] = address else { return };
    let number = u64::from(u32::from_be_bytes([*a, *b, *c, *d]));
    let [x, y, z, ..] = scramble(number ^ hosts << 32).to_le_bytes();
    (*a, *b, *c, *d) = (10, x, y, 1 + z % 250);
}

/// Keeps the prefix, changes the interface identifier; keeps multicast, `::` and `::1`.
fn ipv6(address: &mut [u8], hosts: u64) {
    let is_special = address.first() == Some(&0xff) || address.iter().take(15).all(|byte| *byte == 0);
    if let (false, Some(own)) = (is_special, address.get_mut(8..16)) {
        let number = own.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        fill(own, scramble(number ^ hosts << 32));
    }
}

fn fill(own: &mut [u8], number: u64) {
    for (byte, random) in own.iter_mut().zip(number.to_le_bytes()) {
        *byte = random;
    }
}

fn u16_be(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |raw| u16::from_be_bytes(*raw))
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = value.to_be_bytes();
    }
}

/// The running sum of RFC 1071.
fn sum(start: u64, bytes: &[u8]) -> u64 {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let odd = odd.first().map_or(0, |byte| u64::from(*byte) << 8);
    pairs.iter().fold(start + odd, |sum, pair| sum + u64::from(u16::from_be_bytes(*pair)))
}

fn fold(mut sum: u64) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UDP 192.168.0.10:40000 → 192.168.0.1:53, "hi", checksums wrong.
    fn udp() -> Vec<u8> {
        let ip = [0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 9, 9, 192, 168, 0, 10, 192, 168, 0, 1];
        let udp = [0x9c, 0x40, 0, 53, 0, 10, 7, 7, b'h', b'i'];
        [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..], &ip, &udp].concat()
    }

    #[test]
    fn checksums_are_right() {
        let mut frame = udp();
        rewrite(&mut frame, 5, 6);
        assert_eq!(fold(sum(0, &frame[14..34])), 0, "a header with its checksum sums to zero");
        let pseudo = sum(u64::from(UDP) + 10, &frame[26..34]);
        assert_eq!(fold(sum(pseudo, &frame[34..])), 0);
        assert_eq!(&frame[42..], b"hi");
    }

    #[test]
    fn both_directions_come_out_alike() {
        let mut there = udp();
        let mut back = udp();
        back.copy_within(26..30, 30);
        back[26..30].copy_from_slice(&[192, 168, 0, 1]);
        back[34..38].copy_from_slice(&[0, 53, 0x9c, 0x40]);
        back[..12].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
        rewrite(&mut there, 5, 6);
        rewrite(&mut back, 5, 6);
        assert_eq!((&there[26..30], &there[30..34]), (&back[30..34], &back[26..30]));
        assert_eq!((&there[34..36], &there[36..38]), (&back[36..38], &back[34..36]));
        assert_eq!((&there[..6], &there[6..12]), (&back[6..12], &back[..6]));
        assert_eq!(there[36..38], [0, 53], "the service keeps its port");
    }

    #[test]
    fn hosts_follow_the_set_and_ports_the_copy() {
        let (mut a, mut b, mut c) = (udp(), udp(), udp());
        rewrite(&mut a, 5, 6);
        rewrite(&mut b, 5, 7);
        rewrite(&mut c, 9, 6);
        assert_eq!(a[26..34], b[26..34]);
        assert_ne!(a[34..36], b[34..36]);
        assert_ne!(a[26..34], c[26..34]);
    }

    #[test]
    fn groups_stay_groups() {
        let mut frame = udp();
        frame[..6].copy_from_slice(&[1, 0, 0x5e, 0, 0, 0xfb]);
        frame[30..34].copy_from_slice(&[224, 0, 0, 251]);
        rewrite(&mut frame, 5, 6);
        assert_eq!((&frame[..6], &frame[30..34]), (&[1, 0, 0x5e, 0, 0, 0xfb][..], &[224, 0, 0, 251][..]));
    }

    #[test]
    fn no_length_breaks_it() {
        let whole = udp();
        for cut in 0..whole.len() {
            rewrite(&mut whole[..cut].to_vec(), 1, 2);
        }
    }
}
