//! Bytes → [`Message`].

use super::{Message, Operation};
use crate::{Error, Probe, Reader};
use model::MacAddr;
use std::net::Ipv4Addr;

/// ar$hrd: 1 is Ethernet, 6 "IEEE 802 networks", which some stacks write on the same wire.
const HARDWARE_TYPES: [u16; 2] = [1, 6];
/// ar$pro: the EtherType of IPv4.
const PROTOCOL_IPV4: u16 = 0x0800;
/// ar$hln and ar$pln of Ethernet and IPv4.
const ADDRESS_LENGTHS: [u8; 2] = [6, 4];
/// The last operation that IANA has assigned (OP_EXP2).
const OPERATION_MAX: u16 = 25;

/// Whether `head` is an ARP message. Its EtherType names it already; this is for bytes whose EtherType is unknown.
pub fn probe(head: &[u8]) -> Probe {
    match parse(head) {
        Ok(message) if plausible(&message) => Probe::Certain,
        Err(Error::Truncated { .. }) => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

/// The eight fixed bytes may stand anywhere; with a sender that can send and a known operation they do not by chance.
fn plausible(message: &Message) -> bool {
    let known = match message.operation {
        Operation::Request | Operation::Reply => true,
        Operation::Other(number) => (1..=OPERATION_MAX).contains(&number),
    };
    known && message.sender_mac.is_unicast()
}

/// Reads the ARP message at the front of `datagram`, the payload of an Ethernet frame.
///
/// # Errors
/// `Malformed` when it is not about Ethernet and IPv4, `Truncated` when it is cut off.
pub fn parse(datagram: &[u8]) -> Result<Message, Error> {
    let mut reader = Reader::new(datagram);
    if !HARDWARE_TYPES.contains(&reader.u16_be("hardware type")?) {
        return Err(Error::Malformed { what: "hardware type", at: 0 });
    }
    if reader.u16_be("protocol type")? != PROTOCOL_IPV4 {
        return Err(Error::Malformed { what: "protocol type", at: 2 });
    }
    if reader.array("address lengths")? != ADDRESS_LENGTHS {
        return Err(Error::Malformed { what: "address lengths", at: 4 });
    }
    let operation = match reader.u16_be("operation")? {
        1 => Operation::Request,
        2 => Operation::Reply,
        other => Operation::Other(other),
    };
    Ok(Message {
        operation,
        sender_mac: reader.array("sender hardware address").map(MacAddr::new)?,
        sender_ip: reader.array::<4>("sender protocol address").map(Ipv4Addr::from)?,
        target_mac: reader.array("target hardware address").map(MacAddr::new)?,
        target_ip: reader.array::<4>("target protocol address").map(Ipv4Addr::from)?,
    })
}
