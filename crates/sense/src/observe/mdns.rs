//! What mDNS and DNS-SD tell: host, services, and in TXT records often maker, model and serial number. Sleep proxies and
//! gateways answer for others, so only what belongs to the sender's own address is stated of the sender.

use super::dns::{address, dotted, unparsed};
use super::value::Value;
use super::{Context, Datagram};
use model::{Address, Attribute};
use wire::dns::{CharacterStrings, Data, Message, Name, Opcode, Record, parse};

/// Records of one response that are read.
const RECORDS_MAX: usize = 64;
/// Hosts and service instances of one response that are told apart; of further ones nothing is stated.
const HOSTS_MAX: usize = 8;
const INSTANCES_MAX: usize = 16;
/// Strings of one TXT record that are read.
const TXT_STRINGS_MAX: usize = 48;

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(error) => return Datagram::Broken(unparsed(error)),
    };
    cx.verb(message.verb(), payload.len());
    if message.flags.is_response() && message.flags.opcode() == Opcode::Query {
        response(cx, &message);
    }
    Datagram::Read
}

fn response(cx: &mut Context<'_>, message: &Message<'_>) {
    let speaker = Speaker::of(cx.sender.address, message);
    for record in live_records(message) {
        match record.data() {
            Ok(Data::A(_) | Data::Aaaa(_)) if speaker.is_host(record.name) => host_name(cx, record.name),
            Ok(Data::Ptr(target)) => pointer(cx, &speaker, &record, target),
            Ok(Data::Srv { .. }) if speaker.offers(record.name) => instance(cx, record.name),
            Ok(Data::Txt(strings)) if speaker.offers(record.name) => text(cx, record.name, strings),
            Ok(Data::Hinfo { os, .. }) if speaker.is_host(record.name) => {
                cx.fact(Attribute::OperatingSystem, os);
            }
            _ => {}
        }
    }
}

/// Records of any section that are not a goodbye (TTL 0, RFC 6762 §10.1).
fn live_records<'a>(message: &Message<'a>) -> impl Iterator<Item = Record<'a>> + use<'a> {
    message.records().take(RECORDS_MAX).filter(|record| record.is_internet() && record.ttl_s > 0)
}

/// Which names in a response are the sender's own.
struct Speaker<'a> {
    sender: Address,
    /// Hosts with an address in the response, and whether one of their addresses is the sender's.
    hosts: [Option<(Name<'a>, bool)>; HOSTS_MAX],
    /// Service instances with an SRV record, and whether their host is the sender.
    instances: [Option<(Name<'a>, bool)>; INSTANCES_MAX],
}

impl<'a> Speaker<'a> {
    fn of(sender: Address, message: &Message<'a>) -> Self {
        let mut speaker = Self { sender, hosts: [None; HOSTS_MAX], instances: [None; INSTANCES_MAX] };
        for record in live_records(message) {
            if let Some(ip) = address(&record) {
                note(&mut speaker.hosts, record.name, Address::Ip(ip) == sender);
            }
        }
        for record in live_records(message) {
            if let Ok(Data::Srv { target, .. }) = record.data() {
                let own = speaker.is_host(target);
                note(&mut speaker.instances, record.name, own);
            }
        }
        speaker
    }

    /// Whether `host` is the sender: an address says so, or the response has no addresses at all.
    fn is_host(&self, host: Name<'_>) -> bool {
        known(&self.hosts, host).unwrap_or_else(|| self.hosts.iter().all(Option::is_none))
    }

    /// Whether the service instance is the sender's: its host is, or, without a host, the response is about the sender.
    fn offers(&self, instance: Name<'_>) -> bool {
        known(&self.instances, instance).unwrap_or_else(|| self.is_about_sender())
    }

    /// The response has no addresses, or the sender's is among them.
    fn is_about_sender(&self) -> bool {
        let mut hosts = self.hosts.iter().flatten().peekable();
        hosts.peek().is_none() || hosts.any(|(_, own)| *own)
    }
}

fn note<'a>(names: &mut [Option<(Name<'a>, bool)>], name: Name<'a>, own: bool) {
    for slot in names {
        match slot {
            Some((noted, noted_own)) if noted.is(name) => {
                *noted_own |= own;
                return;
            }
            Some(_) => {}
            None => {
                *slot = Some((name, own));
                return;
            }
        }
    }
}

fn known(names: &[Option<(Name<'_>, bool)>], name: Name<'_>) -> Option<bool> {
    names.iter().flatten().find(|(noted, _)| noted.is(name)).map(|(_, own)| *own)
}

/// The host's name; `.local` is the link, not part of it.
fn host_name(cx: &mut Context<'_>, name: Name<'_>) {
    let mut labels = name.labels();
    match (labels.next(), labels.next(), labels.next()) {
        (Some(host), Some(link), None) if link.eq_ignore_ascii_case(b"local") => {
            cx.fact(Attribute::HostName, host);
        }
        _ => cx.fact(Attribute::HostName, dotted(name)),
    }
}

fn pointer(cx: &mut Context<'_>, speaker: &Speaker<'_>, record: &Record<'_>, target: Name<'_>) {
    match speaker.sender {
        Address::Ip(sender) if record.name.is_reverse_of(sender) => return host_name(cx, target),
        _ => {}
    }
    if record.name.labels().take(3).eq([&b"_services"[..], b"_dns-sd", b"_udp"]) {
        // Which types there are at all (RFC 6763 §9): the target is a type.
        if speaker.is_about_sender() {
            service_type(cx, target, 0);
        }
    } else if speaker.offers(target) {
        instance(cx, target);
    }
}

/// `Instance._type._proto.local`: the instance, and its type.
fn instance(cx: &mut Context<'_>, name: Name<'_>) {
    if service_type(cx, name, 1) {
        cx.fact(Attribute::ServiceInstance, name.first());
    }
}

/// The two labels of a service type, `skip` labels into `name`; false when they are none (RFC 6763 §7).
fn service_type(cx: &mut Context<'_>, name: Name<'_>, skip: usize) -> bool {
    let mut labels = name.labels().skip(skip);
    match (labels.next(), labels.next()) {
        (Some(kind), Some(protocol @ (b"_tcp" | b"_udp"))) if kind.starts_with(b"_") => {
            cx.fact(Attribute::ServiceType, Value::joined([kind, protocol].into_iter(), "."));
            true
        }
        _ => false,
    }
}

fn text(cx: &mut Context<'_>, name: Name<'_>, strings: CharacterStrings<'_>) {
    let service = name.labels().nth(1).unwrap_or_default();
    for string in strings.take(TXT_STRINGS_MAX) {
        let Some(equals) = string.iter().position(|&byte| byte == b'=') else { continue };
        let Some((key, [_, value @ ..])) = string.split_at_checked(equals) else { continue };
        if let Some(attribute) = attribute(service, key) {
            cx.fact(attribute, without_parentheses(value));
        }
    }
}

/// What a TXT key tells. Keys mean what the service's registration says; where one is used differently it is left out.
fn attribute(service: &[u8], key: &[u8]) -> Option<Attribute> {
    const KEYS: [(&[u8], Attribute); 16] = [
        (b"model", Attribute::Model),
        (b"md", Attribute::Model),
        (b"ty", Attribute::Model),
        (b"product", Attribute::Model),
        (b"mdl", Attribute::Model),
        (b"usb_MDL", Attribute::Model),
        (b"am", Attribute::Model),
        (b"mfg", Attribute::Manufacturer),
        (b"usb_MFG", Attribute::Manufacturer),
        (b"manufacturer", Attribute::Manufacturer),
        (b"vendor", Attribute::Manufacturer),
        (b"sn", Attribute::SerialNumber),
        (b"serial", Attribute::SerialNumber),
        (b"serialNumber", Attribute::SerialNumber),
        (b"serial_number", Attribute::SerialNumber),
        // Bonjour Printing Specification: where the printer stands.
        (b"note", Attribute::Location),
    ];
    const PRINTING: [&[u8]; 5] = [b"_ipp", b"_ipps", b"_printer", b"_pdl-datastream", b"_scanner"];
    let (_, attribute) = KEYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    let is = |names: &[&[u8]]| names.iter().any(|name| name.eq_ignore_ascii_case(service));
    let elsewhere = match *attribute {
        // AirTunes: `md` lists metadata types, `sn` says whether a password is needed.
        _ if is(&[b"_raop"]) => !key.eq_ignore_ascii_case(b"am"),
        Attribute::Location => !is(&PRINTING),
        _ => false,
    };
    (!elsewhere).then_some(*attribute)
}

/// Printers wrap their PostScript product name: `(LaserJet 400)`.
fn without_parentheses(value: &[u8]) -> &[u8] {
    match value {
        [b'(', inner @ .., b')'] => inner,
        _ => value,
    }
}

#[cfg(test)]
mod tests;
