use super::*;
use crate::{Error, Probe as Sure};

/// The Hello of an SDC provider (the open-source library sdc11073, our own capture), header shortened.
const HELLO: &[u8] = br#"<?xml version='1.0' encoding='UTF-8'?>
<s12:Envelope xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:s12="http://www.w3.org/2003/05/soap-envelope" xmlns:wsd="http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01"><s12:Header><wsa:Action>http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/Hello</wsa:Action><wsa:MessageID>urn:uuid:6f72e98f-241e-470f-964e-823ca904dcfc</wsa:MessageID><wsd:AppSequence InstanceId="4253431949" MessageNumber="1"/></s12:Header><s12:Body><wsd:Hello><wsa:EndpointReference><wsa:Address>urn:uuid:72313cab-7352-51c9-8373-8b4031a66ec7</wsa:Address></wsa:EndpointReference><wsd:Types xmlns:ns0="http://docs.oasis-open.org/ws-dd/ns/dpws/2009/01" xmlns:ns1="http://standards.ieee.org/downloads/11073/11073-20702-2016">ns0:Device ns1:MedicalDevice</wsd:Types><wsd:Scopes>sdc.ctxt.loc:/sdc.ctxt.loc.detail/HOSP%2F%2F%2FCU2%2F%2FBedSim?fac=HOSP&amp;poc=CU2&amp;bed=BedSim sdc.ctxt.ens:/1.2.3/MyEnsemble sdc.cdc.type:/urn%3Aoid%3A1.2.840.10004.1.1.1.0.0.1//130535 sdc.mds.pkp:1.2.840.10004.20701.1.1</wsd:Scopes><wsd:XAddrs>http://127.0.0.1:41647/72313cab735251c983738b4031a66ec7</wsd:XAddrs><wsd:MetadataVersion>1</wsd:MetadataVersion></wsd:Hello></s12:Body></s12:Envelope>"#;

fn soap(action: &str, body: &str) -> Vec<u8> {
    format!(
        "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\">\
         <e:Header><a:Action e:mustUnderstand='1'>http://schemas.xmlsoap.org/ws/2005/04/discovery/{action}</a:Action>\
         <a:ReplyTo><a:Address>urn:reply</a:Address></a:ReplyTo></e:Header><e:Body>{body}</e:Body></e:Envelope>"
    )
    .into_bytes()
}

#[test]
fn reads_the_hello_of_a_medical_device() {
    let message = parse(HELLO).unwrap();
    assert_eq!((message.kind, message.endpoints), (Kind::Hello, 1));
    assert_eq!(message.endpoint.address, b"urn:uuid:72313cab-7352-51c9-8373-8b4031a66ec7");
    assert_eq!(message.endpoint.types().collect::<Vec<_>>(), [&b"Device"[..], b"MedicalDevice"]);
    assert_eq!(message.endpoint.scopes().count(), 4);
    assert_eq!(message.endpoint.transport_addresses().collect::<Vec<_>>(), [IpAddr::from([127, 0, 0, 1])]);
}

#[test]
fn reads_each_action_of_both_namespaces() {
    let kinds = ["Hello", "Bye", "Probe", "ProbeMatches", "Resolve", "ResolveMatches", "Fault"]
        .map(|action| parse(&soap(action, "")).unwrap().kind.verb());
    assert_eq!(kinds, ["HELLO", "BYE", "PROBE", "PROBE-MATCHES", "RESOLVE", "RESOLVE-MATCHES", "OTHER"]);
}

#[test]
fn several_matches_are_counted_and_the_first_is_read() {
    let one = |n: u8| {
        format!(
            "<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:{n}</a:Address></a:EndpointReference>\
             <d:Types>p:PrintDeviceType</d:Types></d:ProbeMatch>"
        )
    };
    let body = format!("<d:ProbeMatches>{}{}</d:ProbeMatches>", one(1), one(2));
    let message = soap("ProbeMatches", &body);
    let message = parse(&message).unwrap();
    assert_eq!((message.endpoints, message.endpoint.address), (2, &b"urn:uuid:1"[..]));
}

#[test]
fn transports_give_addresses_and_nothing_else() {
    let of = |url: &str| host_address(url.as_bytes()).map(|address| address.to_string());
    assert_eq!(of("http://10.0.0.1:80/onvif").as_deref(), Some("10.0.0.1"));
    assert_eq!(of("http://[fe80::1%25eth0]:5357/x").as_deref(), Some("fe80::1"));
    assert_eq!(of("https://10.0.0.1").as_deref(), Some("10.0.0.1"));
    assert!(of("http://pump.example/10.0.0.1").is_none() && of("10.0.0.1").is_none() && of("://").is_none());
}

#[test]
fn reads_scopes() {
    let mut room = [0; SCOPE_BYTES_MAX];
    let message = parse(HELLO).unwrap();
    let raw: Vec<_> = message.endpoint.scopes().collect();
    let Scope::Location(location) = Scope::of(unescape(raw[0], &mut room)) else { panic!("no location") };
    let said: Vec<_> = location.parts.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    assert_eq!(said, [("fac", &b"HOSP"[..]), ("poc", b"CU2"), ("bed", b"BedSim")]);
    let Scope::DeviceCode(code) = Scope::of(unescape(raw[2], &mut room)) else { panic!("no code") };
    assert_eq!(code, b"130535");
    let Scope::Onvif(Onvif::Hardware, model) = Scope::of(b"onvif://www.onvif.org/hardware/M%201") else {
        panic!("no hardware")
    };
    assert_eq!(percent_decoded(model).collect::<Vec<_>>(), b"M 1");
    assert_eq!(percent_decoded(b"%4%zz%41%").collect::<Vec<_>>(), b"%4%zzA%");
    assert!(matches!(Scope::of(b"onvif://www.onvif.org/Profile/Streaming"), Scope::Other));
    assert!(matches!(Scope::of(b"sdc.cdc.type:/urn%3Aoid%3A9.9//1"), Scope::Other));
    assert!(matches!(Scope::of(b"sdc.ctxt.pat:/hospital/MRN1"), Scope::Patient(_)));
    assert!(matches!(Scope::of(unescape(b"SDC.ctxt.p&#97;t:/x", &mut room)), Scope::Patient(_)));
}

#[test]
fn every_prefix_is_an_error() {
    for cut in 0..HELLO.len() {
        assert!(parse(&HELLO[..cut]).is_err(), "{cut} bytes");
        if (1..300).contains(&cut) {
            assert_ne!(probe(&HELLO[..cut]), Sure::NotForUs, "{cut} bytes");
        }
    }
}

#[test]
fn refuses_what_is_not_its_own() {
    assert!(matches!(parse(b"<html><body/></html>"), Err(Error::Malformed { what: "envelope", .. })));
    assert!(matches!(
        parse(b"<e:Envelope><e:Body/></e:Envelope>"),
        Err(Error::Malformed { what: "action", .. })
    ));
    assert!(parse(b"<!DOCTYPE a><Envelope/>").is_err());
    assert!(parse(&b"<a>".repeat(500)).is_err());
    assert!(parse(&[0xff; 400]).is_err());
}

#[test]
fn probes_by_content() {
    assert_eq!(probe(HELLO), Sure::Certain);
    assert_eq!(probe(&soap("Probe", "")), Sure::Certain);
    for foreign in [
        &b""[..],
        b"{\"a\":1}",
        b"<html></html>",
        b"NOTIFY * HTTP/1.1\r\n",
        b"<\x01",
        b"<d\x01\0",
        b"     ",
        b"<134>Oct 1 host",
    ] {
        assert_eq!(probe(foreign), Sure::NotForUs, "{foreign:?}");
    }
    assert_eq!(probe(b"<?xml version="), Sure::Unsure);
}
