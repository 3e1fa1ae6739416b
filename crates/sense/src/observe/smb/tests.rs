use super::*;
use crate::observe::testing::Bench;
use model::Protocol;

const SMB1_OFFER: &[u8] = include_bytes!("../../../../../fuzz/seeds/smb/smb1-offer.bin");
const SMB1_SETUP_LEGACY: &[u8] = include_bytes!("../../../../../fuzz/seeds/smb/smb1-setup-legacy.bin");
const SMB2_WILDCARD: &[u8] = include_bytes!("../../../../../fuzz/seeds/smb/smb2-negotiated-wildcard.bin");
const SMB2_OFFER: &[u8] = include_bytes!("../../../../../fuzz/seeds/smb/smb2-offer.bin");
const SMB2_NEGOTIATED: &[u8] = include_bytes!("../../../../../fuzz/seeds/smb/smb2-negotiated.bin");
const SMB2_CHALLENGE: &[u8] = include_bytes!("../../../../../fuzz/seeds/smb/smb2-challenge.bin");
const SMB2_AUTHENTICATE: &[u8] = include_bytes!("../../../../../fuzz/seeds/smb/smb2-authenticate.bin");
const SMB2_COMPOUND: &[u8] = include_bytes!("../../../../../fuzz/seeds/smb/smb2-compound.bin");

fn bench() -> Bench {
    Bench::tcp(Protocol::Smb)
}

/// A response of SMB 2 with this command and status.
fn response(command: u8, status: u32) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x49\xfeSMB\x40\0\x01\0".to_vec();
    bytes.extend(status.to_le_bytes());
    bytes.extend([command, 0, 1, 0, 1, 0, 0, 0]);
    bytes.resize(4 + 0x49, 0);
    bytes
}

#[test]
fn a_login_names_both_ends_and_never_the_user() {
    let (mut bench, mut smb) = (bench(), Smb::default());
    bench.stream(&mut smb, Side::Client, SMB1_OFFER);
    bench.stream(&mut smb, Side::Server, SMB2_WILDCARD);
    bench.stream(&mut smb, Side::Client, SMB2_OFFER);
    bench.stream(&mut smb, Side::Server, SMB2_NEGOTIATED);
    bench.stream(&mut smb, Side::Server, SMB2_CHALLENGE);
    let steps = bench.stream(&mut smb, Side::Client, SMB2_AUTHENTICATE);
    assert_eq!(steps, [Step::Took(SMB2_AUTHENTICATE.len())]);
    assert!(!bench.all_text().contains("Administrator"));
    assert_eq!(
        bench.facts(),
        [
            "10.0.0.1 smb-dialect NT LM 0.12, SMB 2.002, SMB 2.???",
            "10.0.0.2 smb-signing required",
            "10.0.0.1 smb-dialect SMB 2.0.2, SMB 2.1, SMB 3.0, SMB 3.0.2, SMB 3.1.1",
            "10.0.0.1 smb-signing not required",
            "10.0.0.2 smb-dialect SMB 3.1.1",
            "10.0.0.1 smb-dialect SMB 3.1.1",
            "10.0.0.2 host-name DC1",
            "10.0.0.2 domain-name PURP",
            "10.0.0.2 host-name DC1.purp.le",
            "10.0.0.2 domain-name purp.le",
            "10.0.0.2 operating-system Windows NT 10.0.14393",
            "10.0.0.1 host-name GURDIL-PC1",
            "10.0.0.1 domain-name PURP",
            "10.0.0.1 operating-system Windows NT 10.0.19041",
        ]
    );
    assert_eq!(bench.events(), ["10.0.0.1 Login ntlm"]);
    assert_eq!(
        bench.verbs(),
        [
            "SMB_COM_NEGOTIATE client 1",
            "NEGOTIATE server 2",
            "NEGOTIATE client 1",
            "SESSION_SETUP server 1",
            "SESSION_SETUP client 1",
        ]
    );
}

#[test]
fn smb_1_is_marked_on_both_ends() {
    let (mut bench, mut smb) = (bench(), Smb::default());
    bench.stream(&mut smb, Side::Client, SMB1_OFFER);
    let mut negotiated = b"\0\0\0\x45\xffSMB\x72\0\0\0\0\x80\0\0".to_vec();
    negotiated.resize(4 + 32, 0);
    // 17 words, the first dialect, signatures required.
    negotiated.extend([17, 0, 0, 0x0f]);
    negotiated.resize(4 + 0x45, 0);
    bench.stream(&mut smb, Side::Server, &negotiated);
    bench.stream(&mut smb, Side::Client, SMB1_SETUP_LEGACY);
    assert!(!bench.all_text().contains("GUEST"));
    assert_eq!(
        bench.facts(),
        [
            "10.0.0.1 smb-dialect NT LM 0.12, SMB 2.002, SMB 2.???",
            "10.0.0.2 smb-dialect NT LM 0.12",
            "10.0.0.1 smb-dialect NT LM 0.12",
            "10.0.0.2 smb-signing required",
            "10.0.0.1 operating-system Windows 4.0",
            "10.0.0.1 software-name Windows 4.0",
        ]
    );
    assert_eq!(bench.events(), ["10.0.0.1 Login ntlm"]);
}

#[test]
fn refusals_are_reported_and_other_failures_are_not() {
    let (mut bench, mut smb) = (bench(), Smb::default());
    bench.stream(&mut smb, Side::Server, &response(1, 0xc000_006d));
    bench.stream(&mut smb, Side::Server, &response(1, 0xc000_9999));
    bench.stream(&mut smb, Side::Server, &response(3, 0xc000_0022));
    bench.stream(&mut smb, Side::Server, &response(3, 0xc000_00cc));
    bench.stream(&mut smb, Side::Server, &response(8, 0xc000_0011));
    bench.stream(&mut smb, Side::Server, &response(1, 0xc000_0016));
    assert_eq!(
        bench.events(),
        [
            "10.0.0.2 LoginRefused STATUS_LOGON_FAILURE",
            "10.0.0.2 LoginRefused status 0xc0009999",
            "10.0.0.2 ErrorReply TREE_CONNECT STATUS_ACCESS_DENIED",
        ]
    );
}

#[test]
fn every_part_of_a_compound_is_counted_and_no_file_is_named() {
    let mut bench = bench();
    bench.stream(&mut Smb::default(), Side::Server, SMB2_COMPOUND);
    assert_eq!(bench.verbs(), ["CREATE server 1", "SET_INFO server 1", "CLOSE server 1"]);
    assert!(bench.facts().is_empty() && bench.events().is_empty());
}

#[test]
fn a_netbios_session_names_both_ends() {
    let request = b"\x81\0\0\x44\x20FDFEEPFCEFDBCACACACACACACACACACA\0\x20FHFDDHCACACACACACACACACACACACAAA\0";
    let mut bench = bench();
    bench.stream(&mut Smb::default(), Side::Client, request);
    bench.stream(&mut Smb::default(), Side::Server, b"\x83\0\0\x01\x82");
    assert_eq!(bench.facts(), ["10.0.0.1 host-name WS7", "10.0.0.2 host-name STORE1"]);
    assert_eq!(bench.events(), ["10.0.0.2 ErrorReply negative session response"]);
    assert_eq!(bench.verbs(), ["SESSION_REQUEST client 1", "SESSION_RESPONSE server 1"]);
}

#[test]
fn bulk_is_skipped_unseen_and_encryption_is_counted() {
    let mut bench = bench();
    let read = response(8, 0);
    let long = [b"\0\x10\0\x49", &read[4..]].concat();
    assert_eq!(bench.stream(&mut Smb::default(), Side::Server, &long), [Step::Took(4 + 0x10_0049)]);
    assert_eq!(
        bench.stream(&mut Smb::default(), Side::Client, b"\0\0\x01\0\xfdSMB"),
        [Step::Took(4 + 0x100)]
    );
    assert_eq!(bench.verbs(), ["READ server 1", "ENCRYPTED client 1"]);
}

#[test]
fn reading_resumes_at_a_message() {
    let smb = Smb::default();
    assert!(smb.resumes(Side::Client, SMB2_OFFER));
    assert!(!smb.resumes(Side::Client, &SMB2_OFFER[4..]));
    let mut bench = bench();
    let steps = bench.stream(&mut Smb::default(), Side::Client, b"GET / HTTP/1.1");
    assert_eq!(steps, [Step::Broken(UnparsedReason::BadMessage)]);
}
