use super::*;
use crate::observe::testing::Bench;
use model::Protocol;

struct Talk {
    bench: Bench,
    http: Http,
}

impl Talk {
    fn new() -> Self {
        Self { bench: Bench::tcp(Protocol::Http), http: Http::default() }
    }

    fn client(&mut self, bytes: &[u8]) -> Vec<Step> {
        self.bench.stream(&mut self.http, Side::Client, bytes)
    }

    fn server(&mut self, bytes: &[u8]) -> Vec<Step> {
        self.bench.stream(&mut self.http, Side::Server, bytes)
    }
}

#[test]
fn both_ends_say_what_they_run() {
    let mut talk = Talk::new();
    talk.client(
        b"GET /a?b=secret HTTP/1.1\r\nHost: Pump-7.ward.example:8080\r\nUser-Agent: SpaceCom/1\r\n\r\n",
    );
    let steps = talk.server(b"HTTP/1.1 200 OK\r\nServer: GoAhead-Webs\r\nContent-Length: 6\r\n\r\nsecret");
    assert_eq!(steps, [Step::Took(66)]);
    assert_eq!(
        talk.bench.facts(),
        [
            "10.0.0.1 user-agent SpaceCom/1",
            "10.0.0.2 http-host Pump-7.ward.example",
            "10.0.0.2 server-banner GoAhead-Webs",
            "10.0.0.2 clear-text http",
        ]
    );
    assert_eq!(talk.bench.verbs(), ["GET client 1", "2xx server 1"]);
    assert!(!talk.bench.all_text().contains("secret"));
}

#[test]
fn a_body_is_skipped_beyond_the_input() {
    let mut talk = Talk::new();
    let head = b"POST /up HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc";
    assert_eq!(talk.client(head), [Step::Took(head.len() - 3 + 1000)]);
    talk.client(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(talk.bench.verbs(), ["POST client 1", "GET client 1"]);
}

#[test]
fn chunks_are_walked_to_the_next_message() {
    let mut talk = Talk::new();
    let stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        4\r\nHTTP\r\n8;x=y\r\n/1.1 999\r\n0\r\nExpires: 0\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    talk.server(stream);
    assert_eq!(talk.bench.verbs(), ["2xx server 1", "4xx server 1"]);
    // In any pieces: what is not whole is asked for again.
    let mut pieces = Talk::new();
    let (mut at, mut end) = (0, 1);
    while at < stream.len() {
        for step in pieces.server(&stream[at..end]) {
            match step {
                Step::Took(length) => at += length,
                Step::Need(need) => assert!(at + need > end && at + need <= stream.len()),
                other => panic!("{other:?} at {at}"),
            }
        }
        end = (end + 1).clamp(at, stream.len());
    }
    assert_eq!(pieces.bench.verbs(), ["2xx server 1", "4xx server 1"]);
}

#[test]
fn pipelined_answers_know_their_questions() {
    let mut talk = Talk::new();
    talk.client(b"HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    talk.server(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\
        HTTP/1.1 301 Moved\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\nuntil close",
    );
    assert_eq!(
        talk.bench.verbs(),
        ["HEAD client 1", "GET client 2", "1xx server 1", "2xx server 2", "3xx server 1"]
    );
    assert_eq!(talk.server(b"HTTP/1.1 500 in the body\r\n\r\n"), [Step::Took(28)]);
    assert!(!talk.bench.verbs().iter().any(|verb| verb.starts_with("5xx")), "a body is not a message");
}

#[test]
fn an_answer_without_its_question_may_be_followed_by_another() {
    let mut talk = Talk::new();
    talk.server(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n");
    talk.server(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(talk.bench.verbs(), ["2xx server 1", "5xx server 1"]);
}

#[test]
fn credentials_in_clear_are_told_once_and_refusals_each_time() {
    let mut talk = Talk::new();
    for _ in 0..2 {
        talk.client(b"GET / HTTP/1.1\r\nHost: 10.0.0.2\r\nAuthorization: Basic YWRtaW46c2VjcmV0\r\n\r\n");
        talk.server(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
    }
    talk.client(b"GET / HTTP/1.1\r\nAuthorization: Digest username=\"admin\"\r\n\r\n");
    talk.server(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        talk.bench.facts(),
        ["10.0.0.1 basic-auth Basic", "10.0.0.1 clear-text http credentials", "10.0.0.2 clear-text http"]
    );
    let refused = "10.0.0.2 LoginRefused basic";
    let mut talk_events = talk.bench.events();
    talk_events.sort();
    assert_eq!(talk_events, ["10.0.0.1 Login basic", refused, refused]);
    let text = talk.bench.all_text();
    assert!(!text.contains("YWRtaW4") && !text.contains("admin"), "{text}");
}

#[test]
fn clinical_bodies_of_patient_resources_are_patient_data_in_clear() {
    let fhir = "Content-Type: application/fhir+json";
    let post = |path: &str| format!("POST {path} HTTP/1.1\r\n{fhir}\r\nContent-Length: 2\r\n\r\n{{}}");
    let facts = |client: &str, server: &str| {
        let mut talk = Talk::new();
        talk.client(client.as_bytes());
        talk.server(server.as_bytes());
        talk.bench.facts().into_iter().filter(|fact| fact.contains("phi")).collect::<Vec<_>>()
    };
    assert_eq!(facts(&post("/Observation"), ""), ["10.0.0.1 phi-in-clear http application/fhir+json"]);
    assert!(facts(&post("/Device"), "").is_empty());
    let get = "GET /Patient/1 HTTP/1.1\r\n\r\n";
    let found = format!("HTTP/1.1 200 OK\r\n{fhir}\r\nContent-Length: 2\r\n\r\n{{}}");
    assert_eq!(facts(get, &found), ["10.0.0.2 phi-in-clear http application/fhir+json"]);
    assert!(facts("GET /metadata HTTP/1.1\r\n\r\n", &found).is_empty());
    assert!(facts("HEAD /Patient/1 HTTP/1.1\r\n\r\n", &found).is_empty());
    assert!(facts("", &found).is_empty(), "the question was not seen");
    let invalid = found.replace("200 OK", "422 Unprocessable");
    assert!(facts(get, &invalid).is_empty(), "an OperationOutcome");
}

#[test]
fn tunnels_and_other_protocols_end_the_reading() {
    let mut talk = Talk::new();
    talk.client(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    assert_eq!(talk.server(b"HTTP/1.1 200 Connection established\r\n\r\n\x16\x03"), [Step::Enough]);
    assert_eq!(talk.bench.facts(), ["10.0.0.2 clear-text http"], "the proxy is not called a");
    assert_eq!(Talk::new().server(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05"), [Step::Enough]);
    let mut http2 = Talk::new();
    assert_eq!(http2.client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0"), [Step::Enough]);
    assert_eq!(http2.bench.verbs(), ["HTTP2 client 1"]);
}

#[test]
fn after_a_gap_a_head_resumes_and_old_questions_are_forgotten() {
    let mut talk = Talk::new();
    talk.client(b"HEAD / HTTP/1.1\r\n\r\n");
    talk.server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
    talk.http.gap(Side::Server);
    assert!(!talk.http.resumes(Side::Server, b"5\r\nhello"));
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
    assert!(talk.http.resumes(Side::Server, head));
    assert_eq!(talk.server(head), [Step::Took(head.len() + 4)]);
}

#[test]
fn what_breaks_is_said_and_left() {
    let mut talk = Talk::new();
    talk.server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(talk.server(b"zz\r\n"), [Step::Broken(UnparsedReason::BadMessage)]);
    assert_eq!(talk.server(b"HTTP/1.1 204 x\r\n\r\n").len(), 1, "a head is read again");
    let big = [b"GET / HTTP/1.1\r\nCookie: ".to_vec(), vec![b'x'; 20_000]].concat();
    assert_eq!(talk.client(&big), [Step::Broken(UnparsedReason::Limit)]);
}

const DESCRIPTION: &str = "<?xml version=\"1.0\"?>\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device>\
    <deviceType>urn:schemas-upnp-org:device:Printer:1</deviceType><friendlyName>Ward 3 &amp; 4</friendlyName>\
    <manufacturer>Acme</manufacturer><modelName>L9</modelName><serialNumber>S1</serialNumber></device></root>";

#[test]
fn a_device_description_names_the_device() {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nContent-Length: {}\r\n\r\n",
        DESCRIPTION.len()
    );
    let mut talk = Talk::new();
    assert_eq!(talk.server(head.as_bytes()), [Step::Took(head.len())]);
    let first = &DESCRIPTION.as_bytes()[..100];
    assert!(matches!(talk.server(first)[..], [Step::Need(_)]));
    assert_eq!(talk.server(DESCRIPTION.as_bytes()), [Step::Took(DESCRIPTION.len())]);
    assert_eq!(
        talk.bench.facts(),
        [
            "10.0.0.2 clear-text http",
            "10.0.0.2 device-type urn:schemas-upnp-org:device:Printer:1",
            "10.0.0.2 manufacturer Acme",
            "10.0.0.2 model L9",
            "10.0.0.2 serial-number S1",
            "10.0.0.2 service-instance Ward 3 & 4",
        ]
    );
}

#[test]
fn other_xml_is_not_waited_for() {
    let mut talk = Talk::new();
    talk.server(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 9000\r\n\r\n");
    assert_eq!(talk.server(&[b'<'; 600]), [Step::Took(9000)]);
    let mut small = Talk::new();
    small.server(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>HTTP/1.1 204 x\r\n\r\n",
    );
    assert_eq!(small.bench.verbs(), ["2xx server 2"]);
}
