//! HTTP, MQTT, SMB, SNMP, SDC discovery, and a protocol that Ward does not know: targets, topics, users and passwords.

use super::disguise::base64;
use super::{Canaries, Tcp};

fn http(start: &str, fields: &[String], body: &str) -> Vec<u8> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("{start}\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn fhir(canaries: &mut Canaries) -> String {
    let mut next = || canaries.next();
    format!(
        "{{\"resourceType\":\"Patient\",\"id\":\"{}\",\"name\":[{{\"family\":\"{}\",\"given\":[\"{}\"]}}],\"birthDate\":\"{}\"}}",
        next(),
        next(),
        next(),
        next()
    )
}

/// A FHIR client reads and writes patients.
pub fn http_fhir(canaries: &mut Canaries) -> Tcp {
    let mut said = Vec::new();
    for method in ["GET", "POST"] {
        let mut next = || canaries.next();
        let start = format!(
            "{method} /fhir/Patient/{}/$everything?name={}&birthdate={}#{} HTTP/1.1",
            next(),
            next(),
            next(),
            next()
        );
        let fields = [
            "Host: ehr.example".to_owned(),
            format!("Cookie: session={}; patient={}", next(), next()),
            format!("Referer: http://ehr.example/Patient/{}", next()),
            format!("X-Patient-Id: {}", next()),
            // Behind the others: of a field taken for another, the first one is told.
            "User-Agent: fhirclient/4.1".to_owned(),
            "Content-Type: application/fhir+json".to_owned(),
        ];
        let body = if method == "POST" { fhir(canaries) } else { String::new() };
        said.push((0, http(&start, &fields, &body)));
        let fields = [
            "Content-Type: application/fhir+json; charset=utf-8".to_owned(),
            format!("Location: http://ehr.example/fhir/Patient/{}", canaries.next()),
            format!("Set-Cookie: patient={}", canaries.next()),
            "Server: HAPI/6.0".to_owned(),
        ];
        said.push((1, http("HTTP/1.1 200 OK", &fields, &fhir(canaries))));
    }
    Tcp { name: "http fhir", port: 8080, said, found: &[("phi-in-clear", "http")], verb: "POST" }
}

/// Passwords, tokens, a proxy, forms, chunks and errors.
pub fn http_secrets(canaries: &mut Canaries) -> Tcp {
    let mut said = Vec::new();
    for before in ["a:", "ab:", "abc:"] {
        let mut next = || canaries.next();
        let password = base64(format!("{before}{}", next()).as_bytes());
        let user = base64(format!("{}:x", next()).as_bytes());
        let start = format!("POST /login/{}?user={}&password={} HTTP/1.1", next(), next(), next());
        let fields = [
            "Host: pump7.example".to_owned(),
            format!("Authorization: Basic {password}"),
            format!("Proxy-Authorization: Basic {user}"),
            "Content-Type: application/x-www-form-urlencoded".to_owned(),
        ];
        let body = format!("user={}&password={}&patient={}", next(), next(), next());
        said.push((0, http(&start, &fields, &body)));
        said.push((
            1,
            http("HTTP/1.1 401 Unauthorized", &[format!("WWW-Authenticate: Basic realm=\"{}\"", next())], ""),
        ));
    }
    let mut next = || canaries.next();
    let bearer = format!("Authorization: Bearer {}", next());
    let start = format!("GET http://{}:{}@ris.example/{} HTTP/1.1", next(), next(), next());
    said.push((0, http(&start, &["Host: ris.example".to_owned(), bearer], "")));
    let part = format!("<name>{}</name>", next());
    let chunked = format!(
        "HTTP/1.1 500 {}\r\nTransfer-Encoding: chunked\r\nContent-Type: text/xml\r\n\r\n{:x};{}\r\n{part}\r\n0\r\nX-Patient: {}\r\n\r\n",
        next(),
        part.len(),
        next(),
        next()
    );
    said.push((1, chunked.into_bytes()));
    Tcp { name: "http secrets", port: 80, said, found: &[("credentials-in-clear", "http")], verb: "5xx" }
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn mqtt(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut left = body.len();
    loop {
        let digit = (left % 128) as u8;
        left /= 128;
        packet.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

/// MQTT 3.1.1: will, user and password; topics and payloads of several sizes.
pub fn mqtt_3(canaries: &mut Canaries) -> Tcp {
    let mut next = || canaries.next();
    // Will at QoS 1, retained; user name, password, clean session.
    let connect = [
        &text("MQTT")[..],
        &[4, 0xee, 0, 60],
        &text("pump-7"),
        &text(&format!("icu/{}/status", next())),
        &text(&next()),
        &text(&next()),
        &text(&next()),
    ]
    .concat();
    let mut said = vec![(0, mqtt(0x10, &connect)), (1, vec![0x20, 2, 0, 0])];
    let subscribe = [&[0, 1][..], &text(&format!("icu/{}/#", next())), &[1]].concat();
    said.push((0, mqtt(0x82, &subscribe)));
    said.push((1, vec![0x90, 3, 0, 1, 0x80]));
    for size in [0, 100, 5000] {
        let publish = [
            &text(&format!("icu/{}/vitals/{}", next(), next()))[..],
            &[0, 2],
            format!("{{\"patient\":\"{}\"{}\"mrn\":\"{}\"}}", next(), " ".repeat(size), next()).as_bytes(),
        ]
        .concat();
        said.push((0, mqtt(0x32, &publish)));
        said.push((1, vec![0x40, 2, 0, 2]));
    }
    let unsubscribe = [&[0, 3][..], &text(&next())].concat();
    said.push((0, mqtt(0xa2, &unsubscribe)));
    said.push((0, vec![0xe0, 0]));
    Tcp {
        name: "mqtt 3.1.1",
        port: 1883,
        said,
        found: &[("credentials-in-clear", "mqtt")],
        verb: "DISCONNECT",
    }
}

/// MQTT 5: the same with properties of every textual kind.
pub fn mqtt_5(canaries: &mut Canaries) -> Tcp {
    let mut next = || canaries.next();
    let sized = |properties: Vec<u8>| {
        assert!(properties.len() < 16_384);
        [&[(properties.len() % 128) as u8 | 0x80, (properties.len() / 128) as u8][..], &properties].concat()
    };
    let user = |key: String, value: String| [&[0x26][..], &text(&key), &text(&value)].concat();
    let will_properties =
        [user(next(), next()), [&[3][..], &text(&next())].concat(), [&[8][..], &text(&next())].concat()]
            .concat();
    let connect = [
        &text("MQTT")[..],
        &[5, 0xee, 0, 60],
        &sized(
            [
                user(next(), next()),
                [&[0x15][..], &text(&next())].concat(),
                [&[0x16][..], &text(&next())].concat(),
            ]
            .concat(),
        ),
        &text("pump-7"),
        &sized(will_properties),
        &text(&next()),
        &text(&next()),
        &text(&next()),
        &text(&next()),
    ]
    .concat();
    let mut said = vec![(0, mqtt(0x10, &connect))];
    let refused =
        [&[0, 0x87][..], &sized([[&[0x1f][..], &text(&next())].concat(), user(next(), next())].concat())]
            .concat();
    said.push((1, mqtt(0x20, &refused)));
    let properties = [
        [&[3][..], &text(&next())].concat(),
        [&[8][..], &text(&next())].concat(),
        [&[9][..], &text(&next())].concat(),
        user(next(), next()),
    ]
    .concat();
    let publish = [&text(&next())[..], &sized(properties), next().as_bytes()].concat();
    said.push((0, mqtt(0x30, &publish)));
    let bye = [
        &[0x97][..],
        &sized([[&[0x1f][..], &text(&next())].concat(), [&[0x1c][..], &text(&next())].concat()].concat()),
    ]
    .concat();
    said.push((1, mqtt(0xe0, &bye)));
    Tcp { name: "mqtt 5", port: 1883, said, found: &[("credentials-in-clear", "mqtt")], verb: "PUBLISH" }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn smb2(command: u8, status: u32, is_response: bool, body: &[u8]) -> Vec<u8> {
    let mut packet = b"\xfeSMB\x40\0\0\0".to_vec();
    packet.extend(status.to_le_bytes());
    packet.extend([command, 0, 1, 0, u8::from(is_response), 0, 0, 0]);
    packet.resize(64, 0);
    packet.extend(body);
    [&(packet.len() as u32).to_be_bytes(), &packet[..]].concat()
}

/// NTLM AUTHENTICATE (MS-NLMP 2.2.1.3): the user and both proofs are canaries, the computer is not.
fn authenticate(canaries: &mut Canaries) -> Vec<u8> {
    let payload = [
        canaries.next().into_bytes(),
        canaries.next().into_bytes(),
        utf16("HOSP"),
        utf16(&canaries.next()),
        utf16("US-CART-7"),
        canaries.next().into_bytes(),
    ];
    let (mut fields, mut offset) = (Vec::new(), 64_u32);
    for part in &payload {
        let length = (part.len() as u16).to_le_bytes();
        fields.extend([&length[..], &length, &offset.to_le_bytes()].concat());
        offset += part.len() as u32;
    }
    [&b"NTLMSSP\0\x03\0\0\0"[..], &fields, &1_u32.to_le_bytes(), &payload.concat()].concat()
}

/// A login, a share and a file, named after people.
pub fn smb(canaries: &mut Canaries) -> Tcp {
    let offer = [&[36, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0][..], &[0; 24], &[2, 2, 0x11, 3]].concat();
    let token = authenticate(canaries);
    // Security buffer at 64 + 24.
    let setup = [
        &[25, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 88, 0][..],
        &(token.len() as u16).to_le_bytes(),
        &[0; 8],
        &token,
    ]
    .concat();
    let named = |structure: u8, fixed: usize, name: &str| {
        let name = utf16(name);
        let mut body = vec![structure, 0];
        body.resize(fixed, 0);
        [&body[..], &name].concat()
    };
    let share = named(9, 8, &format!("\\\\{}\\{}", canaries.next(), canaries.next()));
    let file = named(57, 56, &format!("{}\\{}.pdf", canaries.next(), canaries.next()));
    let write = named(49, 48, &canaries.next());
    let said = vec![
        (0, smb2(0, 0, false, &offer)),
        (0, smb2(1, 0, false, &setup)),
        (1, smb2(1, 0xc000_006d, true, &[9, 0, 0, 0, 0, 0, 0, 0])),
        (0, smb2(3, 0, false, &share)),
        (1, smb2(3, 0xc000_0022, true, &[9, 0, 0, 0, 0, 0, 0, 0])),
        (0, smb2(5, 0, false, &file)),
        (0, smb2(9, 0, false, &write)),
    ];
    Tcp { name: "smb", port: 445, said, found: &[], verb: "WRITE" }
}

/// A protocol that Ward does not read: nothing of it may come out.
pub fn ftp_like(canaries: &mut Canaries) -> Tcp {
    let mut next = || canaries.next();
    let said = vec![
        (1, format!("220 {} ready\r\n", next()).into_bytes()),
        (0, format!("USER {}\r\n", next()).into_bytes()),
        (1, b"331 password please\r\n".to_vec()),
        (0, format!("PASS {}\r\n", next()).into_bytes()),
        (0, format!("STOR {}.pdf\r\n", next()).into_bytes()),
        (1, format!("550 {}: no\r\n", next()).into_bytes()),
    ];
    Tcp { name: "ftp-like", port: 21, said, found: &[], verb: "" }
}

fn ber(kind: u8, body: &[u8]) -> Vec<u8> {
    match body.len() {
        short @ 0..128 => [&[kind, short as u8][..], body].concat(),
        long => [&[kind, 0x82][..], &(long as u16).to_be_bytes(), body].concat(),
    }
}

/// SNMP with a community (a password) and variables that name people.
fn snmp(version: u8, pdu: u8, canaries: &mut Canaries) -> Vec<u8> {
    let contact = b"\x2b\x06\x01\x02\x01\x01\x04\x00";
    let description = b"\x2b\x06\x01\x02\x01\x01\x01\x00";
    let private = b"\x2b\x06\x01\x04\x01\xbf\x08\x01\x00";
    let mut variable = |name: &[u8], value: Option<&str>| {
        let value = value.map_or_else(|| canaries.next(), str::to_owned);
        ber(0x30, &[ber(6, name), ber(4, value.as_bytes())].concat())
    };
    let variables =
        [variable(contact, None), variable(description, Some("ACME Analyser 3")), variable(private, None)]
            .concat();
    let body = [ber(2, &[1]), ber(2, &[0]), ber(2, &[0]), ber(0x30, &variables)].concat();
    let community = ber(4, canaries.next().as_bytes());
    ber(0x30, &[ber(2, &[version]), community, ber(pdu, &body)].concat())
}

/// SNMPv3 in clear with a user's name.
fn snmp_3(canaries: &mut Canaries) -> Vec<u8> {
    let global = ber(0x30, &[ber(2, &[1]), ber(2, &[5, 0]), ber(4, &[4]), ber(2, &[3])].concat());
    let user = ber(
        0x30,
        &[
            ber(4, b"engine"),
            ber(2, &[0]),
            ber(2, &[0]),
            ber(4, canaries.next().as_bytes()),
            ber(4, b""),
            ber(4, b""),
        ]
        .concat(),
    );
    let get = ber(0xa0, &[ber(2, &[1]), ber(2, &[0]), ber(2, &[0]), ber(0x30, b"")].concat());
    let scoped = ber(0x30, &[ber(4, b"engine"), ber(4, canaries.next().as_bytes()), get].concat());
    ber(0x30, &[ber(2, &[3]), global, ber(4, &user), scoped].concat())
}

/// A bedside device of SDC that says which patient it is with, and who operates it.
fn sdc_hello(canaries: &mut Canaries) -> Vec<u8> {
    let mut next = || canaries.next();
    format!(
        "<e:Envelope xmlns:d=\"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01\"><e:Header><a:Action>\
         http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/Hello</a:Action><a:MessageID>{}</a:MessageID></e:Header><e:Body><d:Hello>\
         <a:EndpointReference><a:Address>urn:uuid:7231</a:Address></a:EndpointReference>\
         <d:Types>n:Device m:MedicalDevice</d:Types><d:Scopes>sdc.ctxt.loc:/sdc.ctxt.loc.detail/x?bed=4&amp;fac=HOSP \
         sdc.ctxt.pat:/{}/{}?given={}&amp;family={} SDC.CTXT.PAT:/x/{} sdc.ctxt.opr:/staff/{} http://other/{}</d:Scopes>\
         <d:XAddrs>http://10.20.3.7/{}</d:XAddrs></d:Hello></e:Body></e:Envelope>",
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next(),
        next()
    )
    .into_bytes()
}

/// Datagrams by port.
pub fn datagrams(canaries: &mut Canaries) -> Vec<(u16, Vec<u8>)> {
    vec![
        (161, snmp(0, 0xa0, canaries)),
        (161, snmp(1, 0xa2, canaries)),
        (161, snmp(1, 0xa3, canaries)),
        (162, snmp(1, 0xa7, canaries)),
        (161, snmp_3(canaries)),
        (3702, sdc_hello(canaries)),
        (514, format!("<13>su: {} on {}", canaries.next(), canaries.next()).into_bytes()),
    ]
}
