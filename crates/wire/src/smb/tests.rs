//! Bytes are those of the fuzzing seeds; docs/protocols/smb.md says where they come from.

use super::*;
use crate::{Error, Framed, Probe};

const SMB1_OFFER: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb1-offer.bin");
const SMB1_NEGOTIATED: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb1-negotiated.bin");
const SMB1_CHALLENGE: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb1-challenge.bin");
const SMB1_SETUP_LEGACY: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb1-setup-legacy.bin");
const SMB2_OFFER: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb2-offer.bin");
const SMB2_NEGOTIATED: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb2-negotiated.bin");
const SMB2_CHALLENGE: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb2-challenge.bin");
const SMB2_AUTHENTICATE: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb2-authenticate.bin");
const SMB2_COMPOUND: &[u8] = include_bytes!("../../../../fuzz/seeds/smb/smb2-compound.bin");
const ALL: [&[u8]; 9] = [
    SMB1_OFFER,
    SMB1_NEGOTIATED,
    SMB1_CHALLENGE,
    SMB1_SETUP_LEGACY,
    SMB2_OFFER,
    SMB2_NEGOTIATED,
    SMB2_CHALLENGE,
    SMB2_AUTHENTICATE,
    SMB2_COMPOUND,
];
/// A workstation `WS7` calls the file server `STORE1`.
const SESSION_REQUEST: &[u8] = b"\x81\0\0\x44\x20FDFEEPFCEFDBCACACACACACACACACACA\0\
    \x20FHFDDHCACACACACACACACACACACACAAA\0";

fn whole(stream: &[u8]) -> (Message<'_>, usize) {
    match parse(stream) {
        Ok(Framed::Whole { message, length }) => (message, length),
        other => panic!("{other:?}"),
    }
}

fn smb1(stream: &[u8]) -> Smb1<'_> {
    match whole(stream).0 {
        Message::Smb1(message) => message,
        other => panic!("{other:?}"),
    }
}

fn smb2(stream: &[u8]) -> Vec<Smb2<'_>> {
    match whole(stream).0 {
        Message::Smb2(packets) => packets.iter().collect(),
        other => panic!("{other:?}"),
    }
}

fn text(text: Option<Text<'_>>) -> String {
    text.unwrap_or_default().to_text()
}

/// An SMB 2 request of `command` with `next` to the one behind it and `body_bytes` of zeroes.
fn smb2_request(command: u8, next: u32, body_bytes: usize) -> Vec<u8> {
    let mut bytes = b"\xfeSMB\x40\0\0\0\0\0\0\0".to_vec();
    bytes.extend([command, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(next.to_le_bytes());
    bytes.resize(64 + body_bytes, 0);
    bytes
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes(), body].concat()
}

#[test]
fn reads_negotiations() {
    let message = smb1(SMB1_OFFER);
    assert_eq!((smb1_command(message.command), message.is_response), ("SMB_COM_NEGOTIATE", false));
    let Setup::Offer(dialects) = message.body else { panic!("{message:?}") };
    assert_eq!(dialects.iter().collect::<Vec<_>>(), [&b"NT LM 0.12"[..], b"SMB 2.002", b"SMB 2.???"]);
    let message = smb1(SMB1_NEGOTIATED);
    assert_eq!(message.body, Setup::Negotiated { dialect_index: 9, signing_required: Some(false) });

    let packets = smb2(SMB2_OFFER);
    let Smb2Body::Offer { dialects, signing_required: false } = packets[0].body else {
        panic!("{packets:?}")
    };
    assert_eq!(dialects.iter().collect::<Vec<_>>(), [0x0202, 0x0210, 0x0300, 0x0302, 0x0311]);
    let packets = smb2(SMB2_NEGOTIATED);
    assert!(packets[0].is_response);
    let Smb2Body::Negotiated(negotiated) = packets[0].body else { panic!("{packets:?}") };
    assert_eq!(smb2_dialect(negotiated.dialect), Some("SMB 3.1.1"));
    assert!(negotiated.signing_required);
    assert_eq!(negotiated.token.first(), Some(&0x60), "a SPNEGO token");
}

#[test]
fn reads_what_ntlm_tells_of_both_ends() {
    let packets = smb2(SMB2_CHALLENGE);
    assert_eq!(packets[0].status, 0xc000_0016);
    let Smb2Body::Setup { token } = packets[0].body else { panic!("{packets:?}") };
    let Some(Ntlm::Challenge(challenge)) = find_ntlm(token) else { panic!() };
    assert_eq!(text(challenge.computer), "DC1");
    assert_eq!(text(challenge.domain), "PURP");
    assert_eq!(text(challenge.dns_computer), "DC1.purp.le");
    assert_eq!(text(challenge.dns_domain), "purp.le");
    assert_eq!(challenge.version, Some(OsVersion { major: 10, minor: 0, build: 14_393 }));

    let packets = smb2(SMB2_AUTHENTICATE);
    let Smb2Body::Setup { token } = packets[0].body else { panic!("{packets:?}") };
    let Some(Ntlm::Authenticate(authenticate)) = find_ntlm(token) else { panic!() };
    assert_eq!(authenticate.workstation.to_text(), "GURDIL-PC1");
    assert_eq!(authenticate.domain.to_text(), "PURP");
    assert!(!authenticate.is_anonymous);
    assert!(!has_kerberos_ticket(token));
}

#[test]
fn reads_native_names_of_smb_1() {
    let message = smb1(SMB1_SETUP_LEGACY);
    let Setup::Setup { token, has_credentials, native_os, native_lan_man } = message.body else {
        panic!("{message:?}")
    };
    assert!(token.is_empty() && has_credentials);
    assert_eq!((native_os.to_text(), native_lan_man.to_text()), ("Windows 4.0".into(), "Windows 4.0".into()));

    let message = smb1(SMB1_CHALLENGE);
    assert!(message.is_response);
    let Setup::Setup { token, native_os, native_lan_man, .. } = message.body else { panic!("{message:?}") };
    assert_eq!(native_os.to_text(), "Windows Server 2019 Standard 17763");
    assert_eq!(native_lan_man.to_text(), "Windows Server 2019 Standard 6.3");
    assert!(matches!(find_ntlm(token), Some(Ntlm::Challenge(_))));
}

#[test]
fn walks_a_compound() {
    let commands: Vec<_> = smb2(SMB2_COMPOUND).iter().map(|packet| smb2_command(packet.command)).collect();
    assert_eq!(commands, ["CREATE", "SET_INFO", "CLOSE"]);
    let packets = smb2(SMB2_COMPOUND);
    assert_eq!(packets.iter().map(|packet| packet.bytes).sum::<usize>(), SMB2_COMPOUND.len() - 4);
}

#[test]
fn a_compound_that_lies_ends() {
    for next in [1, 63, 65, 1 << 20, u32::MAX] {
        let bytes = framed(&smb2_request(8, next, 64));
        assert_eq!(smb2(&bytes).len(), 1, "next {next}");
    }
    let link = smb2_request(13, 64, 0);
    let endless = framed(&link.repeat(500));
    assert_eq!(smb2(&endless).len(), COMPOUND_MAX);
}

#[test]
fn bulk_is_not_waited_for() {
    let mut write = framed(&smb2_request(9, 0, 0));
    write[1] = 0x10;
    let (message, length) = whole(&write);
    assert_eq!(length, 4 + 0x10_0040);
    let Message::Smb2(packets) = message else { panic!("{message:?}") };
    assert_eq!(packets.iter().map(|packet| packet.bytes).collect::<Vec<_>>(), [0x10_0040]);
    let encrypted = b"\x00\xff\xff\xff\xfdSMB";
    assert_eq!(parse(encrypted), Ok(Framed::Whole { message: Message::Encrypted, length: 4 + 0xff_ffff }));
    let compressed = b"\x00\x00\x10\x00\xfcSMB";
    assert_eq!(parse(compressed), Ok(Framed::Whole { message: Message::Compressed, length: 4 + 0x1000 }));
}

#[test]
fn reads_the_netbios_session_service() {
    let (message, length) = whole(SESSION_REQUEST);
    assert_eq!(length, 72);
    let Message::SessionRequest { called, calling } = message else { panic!("{message:?}") };
    assert_eq!((called.name(), called.suffix), (&b"STORE1"[..], 0x20));
    assert_eq!((calling.name(), calling.suffix), (&b"WS7"[..], 0x00));
    assert_eq!(whole(b"\x82\0\0\0").0, Message::PositiveSessionResponse);
    assert_eq!(whole(b"\x83\0\0\x01\x82").0, Message::NegativeSessionResponse(0x82));
    assert_eq!(whole(b"\x85\0\0\0").0, Message::SessionKeepAlive);
}

#[test]
fn every_prefix_asks_for_more_and_never_for_too_much() {
    for bytes in ALL.into_iter().chain([SESSION_REQUEST]) {
        for cut in 0..bytes.len() {
            match parse(&bytes[..cut]) {
                Ok(Framed::Partial { need }) => assert!(need > cut && need <= bytes.len()),
                // Commands that are not read are known by their header alone.
                Ok(Framed::Whole { length, .. }) => {
                    assert!(length == bytes.len() && cut >= 4 + 64, "{cut} bytes")
                }
                Err(error) => panic!("{cut} bytes gave {error}"),
            }
            assert_ne!(probe(&bytes[..cut]), Probe::NotForUs, "{cut} bytes");
        }
        assert_eq!(probe(bytes), Probe::Certain);
    }
}

#[test]
fn cut_bodies_are_unread_not_wrong() {
    for bytes in ALL {
        for cut in 4 + 64..bytes.len() {
            let cut = framed(&bytes[4..cut]);
            match whole(&cut).0 {
                Message::Smb1(_) => {}
                Message::Smb2(packets) => assert!(packets.iter().count() >= 1),
                other => panic!("{other:?}"),
            }
        }
    }
    let challenge = &SMB1_CHALLENGE[4..];
    for cut in 0..challenge.len() {
        if let Some(Ntlm::Challenge(challenge)) = find_ntlm(&challenge[..cut]) {
            assert!(["", "WIN-MV8B5VI0FAL"].contains(&text(challenge.computer).as_str()));
        }
    }
}

#[test]
fn hostile_tokens_are_survived() {
    let mut token = b"NTLMSSP\0\x03\0\0\0".to_vec();
    token.extend([0xff; 64]);
    let Some(Ntlm::Authenticate(authenticate)) = find_ntlm(&token) else { panic!() };
    assert!(authenticate.domain.is_empty() && authenticate.workstation.is_empty());
    assert!(authenticate.is_anonymous);
    assert_eq!(authenticate.version, None);
    assert_eq!(find_ntlm(b"NTLMSSP\0\x07\0\0\0"), None);
    assert_eq!(find_ntlm(b"NTLMSSP\0\x03"), None);
    assert_eq!(find_ntlm(&[0xff; 100]), None);
    assert_eq!(Text::utf16(&[0x41; 4_000]).to_text().chars().count(), TEXT_CHARS_MAX);
    assert_eq!(Text::utf16(b"\x00\xd8\x41\x00").to_text(), "\u{fffd}A");
}

#[test]
fn knows_a_kerberos_ticket() {
    assert!(has_kerberos_ticket(b"\x60\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00\x6e"));
    assert!(!has_kerberos_ticket(b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\x00"));
}

#[test]
fn refuses_what_is_not_its_own() {
    let refused = |bytes: &[u8]| matches!(parse(bytes), Err(Error::Malformed { .. }));
    assert!(refused(b"GET / HTTP/1.1"));
    assert!(refused(&[0xff; 8]));
    assert!(refused(b"\x85\0\0\x01\0"));
    let mut short = framed(&smb2_request(8, 0, 0));
    short[8] = 63;
    assert!(refused(&short), "structure size");
    let mut names = SESSION_REQUEST.to_vec();
    names[5] = b'z';
    assert!(refused(&names), "letters of an encoded name");
}

#[test]
fn probes_by_content() {
    let after_keep_alive = [b"\x85\0\0\0", SMB1_OFFER].concat();
    assert_eq!(probe(&after_keep_alive), Probe::Certain);
    for head in [&b""[..], b"\0", b"\0\0\0\x85", b"\x82\0\0\0", b"\0\0\0\x85\xffSM"] {
        assert_eq!(probe(head), Probe::Unsure, "{head:02x?}");
    }
    for head in [
        &b"GET / HTTP/1.1"[..],
        b"\x16\x03\x01",
        b"\0\0\0\x85\x05\0\x0b\x03",
        b"\0\0\0\x85\xffSMX",
        b"\0\0\0\x04\xffSMB",
        b"\x85\0\0\0GET",
        &[0; 16],
        &[0xff; 16],
    ] {
        assert_eq!(probe(head), Probe::NotForUs, "{head:02x?}");
    }
}
