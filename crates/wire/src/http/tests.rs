use super::*;
use crate::{Error, Framed, Probe};

const REQUEST: &[u8] = b"GET /dicom-web/studies?PatientName=DOE HTTP/1.1\r\nHost: pacs.example:8042\r\n\
    User-Agent: curl/8\r\nAuthorization: Basic  dGVzdDoxOjM0\r\nAccept: */*\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nserver: Orthanc\r\nContent-Type: multipart/related; type=\"application/dicom\"\r\n\
    Content-Length: 12\r\n\r\n";

fn head(stream: &[u8]) -> (Head<'_>, usize) {
    match parse(stream) {
        Ok(Framed::Whole { message, length }) => (message, length),
        other => panic!("{}: {other:?}", String::from_utf8_lossy(stream)),
    }
}

fn body(stream: &[u8]) -> Body {
    head(stream).0.body(Asked::Other)
}

#[test]
fn reads_a_request() {
    let (head, length) = head(REQUEST);
    assert_eq!(length, REQUEST.len());
    let target = Target { through_proxy: false, patient_resource: true };
    assert_eq!(head.start, Start::Request { method: Method::Get, target });
    assert_eq!(head.host, Some(&b"pacs.example"[..]));
    assert_eq!(head.user_agent, Some(&b"curl/8"[..]));
    assert_eq!(head.credentials, Some(Scheme::Basic));
    assert_eq!(head.body(Asked::Other), Body::Length(0));
}

#[test]
fn reads_a_response_and_leaves_its_body() {
    let stream = [RESPONSE, b"--x\r\nsecret"].concat();
    let (head, length) = head(&stream);
    assert_eq!(length, RESPONSE.len());
    assert_eq!(head.start, Start::Response(200));
    assert_eq!(head.server, Some(&b"Orthanc"[..]));
    assert_eq!(head.clinical, Some(Clinical::Dicom));
    assert_eq!(head.body(Asked::Other), Body::Length(12));
    assert!(!format!("{head:?}").contains("secret"));
}

#[test]
fn a_target_does_not_leave() {
    let (head, _) = head(REQUEST);
    let text = format!("{head:?}");
    assert!(!text.contains("DOE") && !text.contains("dGVzd"), "{text}");
}

#[test]
fn every_prefix_asks_for_more() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let spaced = b"\r\nPOST /a HTTP/1.0\r\n\r\n";
    for message in [REQUEST, RESPONSE, preface, spaced, b"HTTP/1.1 204\n\n"] {
        for cut in 0..message.len() {
            match parse(&message[..cut]) {
                Ok(Framed::Partial { need }) => assert!(need > cut && need <= message.len()),
                other => panic!("{cut} bytes of {:?} gave {other:?}", String::from_utf8_lossy(message)),
            }
            let probed = probe(&message[..cut]);
            assert_ne!(probed, Probe::NotForUs, "{:?}", String::from_utf8_lossy(&message[..cut]));
        }
        assert_eq!(probe(message), Probe::Certain);
        assert_eq!(head(message).1, message.len());
    }
}

#[test]
fn bodies_are_framed_as_rfc_9112_6_3_says() {
    let response = |rest: &str| format!("HTTP/1.1 {rest}\r\n\r\n").into_bytes();
    assert_eq!(body(&response("200 OK")), Body::UntilClose);
    assert_eq!(body(&response("204 No Content\r\nContent-Length: 9")), Body::Length(0));
    assert_eq!(body(&response("304 Not Modified\r\nContent-Length: 9")), Body::Length(0));
    assert_eq!(body(&response("100 Continue")), Body::Length(0));
    assert_eq!(body(&response("101 Switching Protocols")), Body::Tunnel);
    assert_eq!(
        body(&response("200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 4")),
        Body::Chunks
    );
    assert_eq!(body(&response("200 OK\r\nTransfer-Encoding: chunked, gzip")), Body::UntilClose);
    assert_eq!(
        body(&response("200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 4")),
        Body::Length(4)
    );
    assert_eq!(body(b"POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n"), Body::Length(5));
    assert_eq!(body(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Body::Tunnel);

    let sized = response("200 OK\r\nContent-Length: 9");
    let (sized, _) = head(&sized);
    assert_eq!(sized.body(Asked::Head), Body::Length(0));
    assert_eq!(sized.body(Asked::Connect), Body::Tunnel);
    let refused = response("502 Bad Gateway\r\nContent-Length: 9");
    assert_eq!(head(&refused).0.body(Asked::Connect), Body::Length(9));
}

#[test]
fn lengths_that_lie_are_refused() {
    let lie = Err(Error::Malformed { what: "Content-Length", at: 0 });
    for value in
        ["-1", "+1", "5\r\nContent-Length: 6", "5, 6", "", "0x10", "9999999999999", "18446744073709551617"]
    {
        let message = format!("POST / HTTP/1.1\r\nContent-Length: {value}\r\n\r\n");
        assert_eq!(parse(message.as_bytes()), lie, "{value}");
    }
}

#[test]
fn heads_are_bounded() {
    let mut long = b"GET / HTTP/1.1\r\nCookie: ".to_vec();
    long.resize(HEAD_BYTES_MAX, b'x');
    assert_eq!(parse(&long), Err(Error::Limit { what: "head", max: HEAD_BYTES_MAX }));
    long.pop();
    assert_eq!(parse(&long), Ok(Framed::Partial { need: HEAD_BYTES_MAX }));
    let many = [b"GET / HTTP/1.1\r\n".to_vec(), b"a:b\r\n".repeat(FIELDS_MAX + 1), b"\r\n".to_vec()].concat();
    assert_eq!(parse(&many), Err(Error::Limit { what: "fields", max: FIELDS_MAX }));
    assert!(parse(&[b'\n'; 64]).is_err() && parse(&[0xff; 64]).is_err());
}

#[test]
fn is_lenient_where_nothing_hangs_on_it() {
    let (head, _) = head(b"GET  /a b  HTTP/1.1\nno colon\nHOST : [fe80::1]:80\n folded: x\nhost: second\n\n");
    assert_eq!(head.host, Some(&b"[fe80::1]"[..]));
    assert!(matches!(head.start, Start::Request { method: Method::Get, .. }));
}

#[test]
fn proxies_and_unknown_methods_are_told() {
    let start = |line: &str| head(format!("{line}\r\n\r\n").as_bytes()).0.start;
    let proxied = Target { through_proxy: true, patient_resource: false };
    assert_eq!(
        start("CONNECT ris:443 HTTP/1.1"),
        Start::Request { method: Method::Connect, target: proxied }
    );
    assert_eq!(start("GET http://ris/ HTTP/1.1"), Start::Request { method: Method::Get, target: proxied });
    let direct = Target { through_proxy: false, patient_resource: false };
    assert_eq!(start("BREW / HTTP/1.1"), Start::Request { method: Method::Other, target: direct });
}

#[test]
fn clinical_formats_are_named_by_the_media_type() {
    let of = |value: &str| {
        let message = format!("POST / HTTP/1.1\r\nContent-Type: {value}\r\n\r\n");
        head(message.as_bytes()).0.clinical
    };
    assert_eq!(of("application/fhir+json; charset=utf-8"), Some(Clinical::FhirJson));
    assert_eq!(of("Application/JSON+FHIR"), Some(Clinical::FhirJson));
    assert_eq!(of("application/fhir+xml"), Some(Clinical::FhirXml));
    assert_eq!(of("application/dicom+json"), Some(Clinical::DicomJson));
    assert_eq!(of("multipart/related; boundary=x; type=application/dicom+xml"), Some(Clinical::DicomXml));
    assert_eq!(of("multipart/form-data; type=application/dicom"), None);
    assert_eq!(of("application/json"), None);
    assert_eq!(of("application/dicomweb"), None);
}

#[test]
fn walks_chunks() {
    let chunk = |stream| parse_chunk(stream);
    let whole = |data_bytes, length| Ok(Framed::Whole { message: Chunk { data_bytes }, length });
    assert_eq!(chunk(b"5\r\nhello\r\n0\r\n\r\n"), whole(5, 10));
    assert_eq!(chunk(b"1A;name=value\r\n"), whole(26, 15 + 26 + 2));
    assert_eq!(chunk(b"0\r\n\r\n"), whole(0, 3));
    assert_eq!(chunk(b"10000000000\r\n"), whole(BODY_BYTES_MAX, 13 + (1 << 40) + 2));
    let line = b"1f; x\r\n";
    for cut in 0..line.len() {
        assert_eq!(chunk(&line[..cut]), Ok(Framed::Partial { need: cut + 1 }), "{cut} bytes");
    }
    for wrong in [&b"\r\n"[..], b"x\r\n", b"-1\r\n", b"5x\r\n", b"GET / HTTP/1.1\r\n"] {
        assert!(matches!(chunk(wrong), Err(Error::Malformed { .. })), "{wrong:?}");
    }
    // 2⁶⁴, which wraps to nothing where it is not checked: Zeek's http/261_variant-01.
    assert!(matches!(chunk(b"10000000000000000\r\n"), Err(Error::Limit { .. })));
    assert!(matches!(chunk(&[b'0'; CHUNK_LINE_BYTES_MAX]), Err(Error::Limit { .. })));
}

#[test]
fn passes_over_trailers() {
    assert_eq!(parse_trailer(b"\r\nHTTP"), Ok(Framed::Whole { message: (), length: 2 }));
    assert_eq!(parse_trailer(b"Expires: 0\r\n\r\n"), Ok(Framed::Whole { message: (), length: 14 }));
    assert_eq!(parse_trailer(b"Expires: 0\r\n"), Ok(Framed::Partial { need: 13 }));
    assert!(parse_trailer(&b"a:b\r\n".repeat(FIELDS_MAX + 1)).is_err());
    assert!(parse_trailer(&[b'a'; HEAD_BYTES_MAX]).is_err());
}

#[test]
fn probes_by_the_whole_first_line() {
    let foreign: [&[u8]; 12] = [
        b"OPTIONS rtsp://10.0.0.1/media RTSP/1.0\r\nCSeq: 1\r\n",
        b"OPTIONS * RTSP/1.0\r\n",
        b"RTSP/1.0 200 OK\r\n",
        b"INVITE sip:bob@example.org SIP/2.0\r\n",
        b"SIP/2.0 200 OK\r\n",
        b"ICY 200 OK\r\n",
        b"EHLO mail.example\r\n",
        b"HTTP/2.0 200 OK\r\n",
        b"GET /\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\x0bMSH|^~\\&|",
        b"SSH-2.0-OpenSSH_9\r\n",
    ];
    for head in foreign {
        assert_eq!(probe(head), Probe::NotForUs, "{:?}", String::from_utf8_lossy(head));
        assert!(!matches!(parse(head), Ok(Framed::Whole { .. })));
    }
    let unsure: [&[u8]; 5] = [b"G", b"OPTIONS * ", b"USER anonymous", b"GET /short", b"HTTP/1."];
    for head in unsure {
        assert_eq!(probe(head), Probe::Unsure, "{:?}", String::from_utf8_lossy(head));
    }
    let long = format!("GET /{}", "x".repeat(80));
    assert_eq!(probe(long.as_bytes()), Probe::Certain);
    assert_eq!(probe(b"GET /\x01\x02"), Probe::NotForUs);
    assert_eq!(probe(b"HTTP/1.0 200 Ok\r\n"), Probe::Certain);
}
