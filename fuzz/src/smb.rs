//! Target: SMB, NetBIOS sessions and NTLM.

use wire::Framed;
use wire::smb::{
    COMPOUND_MAX, MESSAGE_BYTES_MAX, Message, Ntlm, Setup, Smb2Body, find_ntlm, has_kerberos_ticket, parse,
    probe,
};

/// Packets of one input that are walked.
const PACKETS_MAX: usize = 256;

/// Must neither panic nor hang on any bytes, and must make progress on what it accepts.
pub fn run(data: &[u8]) {
    let _ = probe(data);
    token(data);
    let mut rest = data;
    for _ in 0..PACKETS_MAX {
        match parse(rest) {
            Ok(Framed::Whole { message, length }) => {
                assert!(length > 0, "a packet occupies bytes");
                message_bodies(message);
                rest = rest.get(length..).unwrap_or_default();
            }
            Ok(Framed::Partial { need }) => {
                assert!(need > rest.len() && need <= MESSAGE_BYTES_MAX + 4, "the bound is kept");
                return;
            }
            Err(_) => return,
        }
    }
}

fn message_bodies(message: Message<'_>) {
    match message {
        Message::Smb1(message) => match message.body {
            Setup::Offer(dialects) => {
                assert!(dialects.iter().count() <= wire::smb::DIALECTS_MAX, "the bound is kept")
            }
            Setup::Setup { token: bytes, native_os, native_lan_man, .. } => {
                token(bytes);
                let _ = (native_os.to_text(), native_lan_man.to_text());
            }
            Setup::Negotiated { .. } | Setup::Unread => {}
        },
        Message::Smb2(packets) => {
            let mut count = 0;
            for packet in packets.iter() {
                count += 1;
                if let Smb2Body::Setup { token: bytes } = packet.body {
                    token(bytes);
                }
            }
            assert!((1..=COMPOUND_MAX).contains(&count), "the bound is kept");
        }
        _ => {}
    }
}

fn token(bytes: &[u8]) {
    let _ = has_kerberos_ticket(bytes);
    match find_ntlm(bytes) {
        Some(Ntlm::Challenge(challenge)) => {
            for text in [challenge.computer, challenge.domain, challenge.dns_computer, challenge.dns_domain] {
                let _ = text.map(wire::smb::Text::to_text);
            }
        }
        Some(Ntlm::Authenticate(authenticate)) => {
            let _ = (authenticate.domain.to_text(), authenticate.workstation.to_text());
        }
        Some(Ntlm::Negotiate { .. }) | None => {}
    }
}
