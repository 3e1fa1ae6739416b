use super::*;
use crate::observe::Side;
use crate::observe::testing::Bench;
use model::Protocol;

fn soap(action: &str, scopes: &str) -> Vec<u8> {
    format!(
        "<e:Envelope xmlns:d=\"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01\"><e:Header><a:Action>\
         http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/{action}</a:Action></e:Header><e:Body><d:{action}>\
         <a:EndpointReference><a:Address>urn:uuid:7231</a:Address></a:EndpointReference>\
         <d:Types>n:Device m:MedicalDevice</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>http://secret/</d:XAddrs>\
         </d:{action}></e:Body></e:Envelope>"
    )
    .into_bytes()
}

fn observed(action: &str, scopes: &str) -> (Bench, Datagram) {
    let mut bench = Bench::udp(Protocol::WsDiscovery);
    let answer = bench.datagram(datagram, Side::Client, &soap(action, scopes));
    (bench, answer)
}

#[test]
fn a_medical_device_says_what_it_is_and_where_it_stands() {
    let scopes = "sdc.ctxt.loc:/sdc.ctxt.loc.detail/x?bed=Bed+4%2BA&amp;poc=CU%202&amp;fac=HOSP \
                  sdc.cdc.type:/urn%3Aoid%3A1.2.840.10004.1.1.1.0.0.1//69965 sdc.ctxt.opr:/staff/jdoe";
    let (mut bench, answer) = observed("Hello", scopes);
    assert_eq!(answer, Datagram::Read);
    assert_eq!(
        bench.facts(),
        [
            "10.0.0.1 service-instance urn:uuid:7231",
            "10.0.0.1 device-type MedicalDevice",
            "10.0.0.1 location fac=HOSP poc=CU 2 bed=Bed 4+A",
            "10.0.0.1 device-type mdc 69965",
        ]
    );
    assert_eq!(bench.verbs(), ["HELLO client 1"]);
    let all = bench.all_text();
    assert!(!all.contains("jdoe") && !all.contains("secret"), "{all}");
}

#[test]
fn a_patient_context_is_patient_data_in_clear_and_nothing_more() {
    let (mut bench, _) = observed("Hello", "sdc.ctxt.pat:/hospital/MRN000123?name=DOE");
    assert!(bench.facts().contains(&"10.0.0.1 phi-in-clear ws-discovery sdc.ctxt.pat".to_owned()));
    let all = bench.all_text();
    assert!(!all.contains("MRN") && !all.contains("DOE"), "{all}");
}

#[test]
fn a_camera_names_its_model() {
    let scopes = "onvif://www.onvif.org/name/AXIS%20M1031 onvif://www.onvif.org/hardware/M1031-W \
                  onvif://www.onvif.org/location/city/lund onvif://www.onvif.org/type/video_encoder";
    let (mut bench, _) = observed("Hello", scopes);
    assert_eq!(
        bench.facts()[2..],
        ["10.0.0.1 host-name AXIS M1031", "10.0.0.1 model M1031-W", "10.0.0.1 location city/lund"]
    );
}

#[test]
fn what_is_looked_for_is_not_stated() {
    for action in ["Probe", "Resolve"] {
        let (mut bench, answer) = observed(action, "");
        assert_eq!(answer, Datagram::Read);
        assert!(bench.facts().is_empty());
    }
}

fn matches(one: &str, times: usize) -> Vec<String> {
    let message = format!(
        "<e:Envelope xmlns:d=\"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01\"><e:Header><a:Action>\
         http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/ProbeMatches</a:Action></e:Header><e:Body>\
         <d:ProbeMatches>{}</d:ProbeMatches></e:Body></e:Envelope>",
        one.repeat(times)
    );
    let mut bench = Bench::udp(Protocol::WsDiscovery);
    assert_eq!(bench.datagram(datagram, Side::Server, message.as_bytes()), Datagram::Read);
    assert_eq!(bench.verbs(), ["PROBE-MATCHES server 1"]);
    bench.facts()
}

#[test]
fn a_proxy_speaks_for_others() {
    let at = |host: &str| {
        format!(
            "<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference>\
             <d:XAddrs>http://{host}:80/a http://[fe80::2]/a</d:XAddrs></d:ProbeMatch>"
        )
    };
    assert_eq!(matches(&at("10.0.0.2"), 1), ["10.0.0.2 service-instance urn:uuid:1"]);
    assert!(matches(&at("10.0.0.77"), 1).is_empty());
    assert!(matches(&at("10.0.0.2"), 2).is_empty());
}

#[test]
fn what_is_cut_off_is_broken_and_what_is_foreign_is_not_ours() {
    let mut bench = Bench::udp(Protocol::WsDiscovery);
    let hello = soap("Hello", "");
    let cut = bench.datagram(datagram, Side::Client, &hello[..hello.len() - 5]);
    assert_eq!(cut, Datagram::Broken(UnparsedReason::BadMessage));
    assert_eq!(bench.datagram(datagram, Side::Client, b"\x30\x03\x02\x01\x02"), Datagram::NotOurs);
}
