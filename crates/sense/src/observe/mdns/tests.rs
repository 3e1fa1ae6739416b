use super::*;
use crate::observe::Side;
use crate::observe::testing::Bench;
use model::UnparsedReason;

fn name(dotted: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        dotted.split('.').flat_map(|label| [&[label.len() as u8][..], label.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

fn record(owner: &str, kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = name(owner);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0x80, 1]);
    bytes.extend(ttl.to_be_bytes());
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

fn a(owner: &str, last: u8) -> Vec<u8> {
    record(owner, 1, 120, &[10, 0, 0, last])
}

fn srv(owner: &str, target: &str) -> Vec<u8> {
    record(owner, 33, 120, &[&[0, 0, 0, 0, 2, 0x77][..], &name(target)].concat())
}

fn ptr(owner: &str, target: &str) -> Vec<u8> {
    record(owner, 12, 120, &name(target))
}

fn txt(owner: &str, strings: &[&str]) -> Vec<u8> {
    let data: Vec<u8> = strings.iter().flat_map(|s| [&[s.len() as u8][..], s.as_bytes()].concat()).collect();
    record(owner, 16, 120, &data)
}

fn response(records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0x84, 0, 0, 0, 0, records.len() as u8, 0, 0, 0, 0];
    bytes.extend(records.concat());
    bytes
}

/// What is said of whom after 10.0.0.2 sent these records.
fn facts(records: &[Vec<u8>]) -> Vec<String> {
    let mut bench = Bench::udp(model::Protocol::Mdns);
    assert_eq!(bench.datagram(datagram, Side::Server, &response(records)), Datagram::Read);
    assert_eq!(bench.verbs(), ["RESPONSE NOERROR server 1"]);
    let of_sender = |fact: String| fact.strip_prefix("10.0.0.2 ").map(str::to_string);
    bench.facts().into_iter().map(|fact| of_sender(fact).expect("about the sender")).collect()
}

#[test]
fn a_printer_tells_what_it_is() {
    let own = "HP M402._ipp._tcp.local";
    let records = [
        ptr("_ipp._tcp.local", own),
        srv(own, "NPI01.local"),
        txt(
            own,
            &[
                "txtvers=1",
                "ty=HP LaserJet M402",
                "product=(HP LaserJet M402)",
                "usb_MFG=HP",
                "note=Ward 3",
                "sn=X1",
                "x",
            ],
        ),
        a("NPI01.local", 2),
        a("NPI01.local", 9),
        record("NPI01.local", 13, 120, b"\x03ARM\x05LINUX"),
    ];
    assert_eq!(
        facts(&records),
        [
            "service-type _ipp._tcp",
            "service-instance HP M402",
            "model HP LaserJet M402",
            "manufacturer HP",
            "location Ward 3",
            "serial-number X1",
            "host-name NPI01",
            "operating-system LINUX",
        ]
    );
}

#[test]
fn a_proxy_speaks_for_others_and_nothing_of_that_is_its_own() {
    let asleep = "Mac._ssh._tcp.local";
    let records = [
        ptr("_ssh._tcp.local", asleep),
        srv(asleep, "mac.local"),
        txt(asleep, &["model=Mac14,2"]),
        a("mac.local", 9),
        ptr("_services._dns-sd._udp.local", "_ssh._tcp.local"),
        ptr("9.0.0.10.in-addr.arpa", "mac.local"),
    ];
    assert_eq!(facts(&records), [""; 0]);
    // A gateway that announces itself beside the others.
    let mut both = records.to_vec();
    both.push(srv("Gateway._http._tcp.local", "gw.local"));
    both.push(a("gw.local", 2));
    assert_eq!(
        facts(&both),
        // The list of types is then as much its own as anyone's.
        ["service-type _ssh._tcp", "service-type _http._tcp", "service-instance Gateway", "host-name gw"]
    );
    // An SRV whose host has no address here, beside the sender's own host: not the sender's.
    let mut foreign = vec![srv("Other._http._tcp.local", "other.local"), a("gw.local", 2)];
    assert_eq!(facts(&foreign), ["host-name gw"]);
    foreign.pop();
    assert_eq!(facts(&foreign), ["service-type _http._tcp", "service-instance Other"]);
}

#[test]
fn without_addresses_the_sender_is_taken_at_its_word() {
    let records = [
        txt("iMac._device-info._tcp.local", &["model=iMac17,1", "osxvers=17"]),
        ptr("_companion-link._tcp.local", "iMac._companion-link._tcp.local"),
        ptr("_services._dns-sd._udp.local", "_airplay._tcp.local"),
        ptr("2.0.0.10.in-addr.arpa", "imac.local"),
        ptr("lb._dns-sd._udp.local", "local"),
    ];
    assert_eq!(
        facts(&records),
        [
            "model iMac17,1",
            "service-type _companion-link._tcp",
            "service-instance iMac",
            "service-type _airplay._tcp",
            "host-name imac",
        ]
    );
}

#[test]
fn goodbyes_and_keys_used_otherwise_state_nothing() {
    let gone = record("pump.local", 1, 0, &[10, 0, 0, 2]);
    assert_eq!(facts(&[gone]), [""; 0]);
    let raop = txt("01@Tv._raop._tcp.local", &["md=0,1,2", "am=AppleTV3,2", "sn=false"]);
    assert_eq!(facts(&[raop]), ["model AppleTV3,2"]);
    assert_eq!(facts(&[txt("Cam._http._tcp.local", &["note=free text"])]), [""; 0]);
}

#[test]
fn queries_state_nothing_even_with_known_answers() {
    let mut query = response(&[ptr("_ipp._tcp.local", "HP._ipp._tcp.local")]);
    query[2] = 0;
    query[5] = 1;
    query.splice(12..12, [name("_ipp._tcp.local"), vec![0, 12, 0, 1]].concat());
    let mut bench = Bench::udp(model::Protocol::Mdns);
    assert_eq!(bench.datagram(datagram, Side::Client, &query), Datagram::Read);
    assert!(bench.facts().is_empty());
    assert_eq!(bench.verbs(), ["QUERY PTR client 1"]);
}

#[test]
fn many_records_cost_no_more_than_the_bounds() {
    let many: Vec<_> = (0..200).map(|n| srv(&format!("s{n}._http._tcp.local"), "gw.local")).collect();
    let instances = facts(&many).iter().filter(|fact| fact.starts_with("service-instance")).count();
    // Those past the table have no known host; without any address they are still taken at the sender's word.
    assert_eq!(instances, RECORDS_MAX);
    let mut hosts: Vec<_> = (0..20).map(|n| a(&format!("h{n}.local"), 100 + n)).collect();
    hosts.push(a("own.local", 2));
    assert_eq!(facts(&hosts), [""; 0], "a host past the table is not believed");
}

#[test]
fn broken_messages_say_why() {
    let mut bench = Bench::udp(model::Protocol::Mdns);
    let whole = response(&[a("pump.local", 2)]);
    let cut = bench.datagram(datagram, Side::Server, &whole[..whole.len() - 1]);
    assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
}
