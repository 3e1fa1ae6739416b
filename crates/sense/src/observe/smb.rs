//! What SMB conversations tell: dialects, names, Windows builds, logins, and which commands are in use. Never a file
//! name, a share or a user.

use super::{Context, Side, Step, Stream};
use model::{Attribute, EventKind, UnparsedReason};
use smol_str::SmolStr;
use wire::smb::{
    Authenticate, Challenge, DialectList, Dialects, Message, Negotiated, NetbiosName, Ntlm, OsVersion, Setup,
    Smb1, Smb2, Smb2Body, Text, find_ntlm, has_kerberos_ticket, parse, probe, smb1_command, smb2_command,
    smb2_dialect, status,
};
use wire::{Framed, Probe};

const SUCCESS: u32 = 0;
const MORE_PROCESSING_REQUIRED: u32 = 0xc000_0016;
const ACCESS_DENIED: u32 = 0xc000_0022;
/// The server speaks SMB 2; which, the client must ask again (MS-SMB2 §3.3.5.3.1).
const DIALECT_WILDCARD: u16 = 0x02ff;
const SMB2_SESSION_SETUP: u16 = 1;
const SMB2_TREE_CONNECT: u16 = 3;
const SMB1_SESSION_SETUP_ANDX: u8 = 0x73;
const SMB1_TREE_CONNECT_ANDX: u8 = 0x75;

/// An SMB conversation.
#[derive(Debug, Default)]
pub struct Smb {
    /// Dialects of an SMB 1 offer, at most `DIALECTS_MAX`: the answer names the chosen one by its place.
    offered: Vec<SmolStr>,
}

impl Stream for Smb {
    fn take(&mut self, cx: &mut Context<'_>, _side: Side, input: &[u8]) -> Step {
        match parse(input) {
            Ok(Framed::Whole { message, length }) => {
                self.message(cx, message, length);
                Step::Took(length)
            }
            Ok(Framed::Partial { need }) => Step::Need(need),
            Err(_) => Step::Broken(UnparsedReason::BadMessage),
        }
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        probe(head) == Probe::Certain
    }
}

impl Smb {
    fn message(&mut self, cx: &mut Context<'_>, message: Message<'_>, length: usize) {
        match message {
            Message::SessionRequest { called, calling } => {
                cx.verb("SESSION_REQUEST", length);
                observe_names(cx, &called, &calling);
            }
            Message::PositiveSessionResponse => cx.verb("SESSION_RESPONSE", length),
            Message::NegativeSessionResponse(_) => {
                cx.verb("SESSION_RESPONSE", length);
                cx.event(EventKind::ErrorReply, "negative session response");
            }
            Message::RetargetSessionResponse => cx.verb("SESSION_RETARGET", length),
            Message::SessionKeepAlive => cx.verb("SESSION_KEEP_ALIVE", length),
            Message::Smb1(message) => self.smb1(cx, &message, length),
            Message::Smb2(packets) => packets.iter().for_each(|packet| observe_smb2(cx, &packet)),
            Message::Encrypted => cx.verb("ENCRYPTED", length),
            Message::Compressed => cx.verb("COMPRESSED", length),
            Message::Other => cx.verb("OTHER", length),
        }
    }

    fn smb1(&mut self, cx: &mut Context<'_>, message: &Smb1<'_>, length: usize) {
        cx.verb(smb1_command(message.command), length);
        match message.body {
            Setup::Offer(dialects) => self.observe_offer(cx, dialects),
            Setup::Negotiated { dialect_index, signing_required } => {
                if let Some(dialect) = self.offered.get(usize::from(dialect_index)) {
                    state_dialect(cx, dialect);
                }
                if let Some(signing_required) = signing_required {
                    state_signing(cx, signing_required);
                }
            }
            Setup::Setup { token, has_credentials, native_os, native_lan_man } => {
                observe_native(cx, native_os, native_lan_man);
                observe_token(cx, token);
                if !message.is_response && token.is_empty() {
                    let detail = if has_credentials { "ntlm" } else { "ntlm anonymous" };
                    cx.event(EventKind::Login, detail);
                }
            }
            Setup::Unread => {}
        }
        match message.command {
            SMB1_SESSION_SETUP_ANDX => report_refusal(cx, message.status),
            SMB1_TREE_CONNECT_ANDX => report_denial(cx, message.status),
            _ => {}
        }
    }

    fn observe_offer(&mut self, cx: &mut Context<'_>, dialects: Dialects<'_>) {
        let text = |name| SmolStr::new(String::from_utf8_lossy(name));
        self.offered = dialects.iter().map(text).collect();
        cx.fact(Attribute::SmbDialect, self.offered.join(", "));
    }
}

fn observe_names(cx: &mut Context<'_>, called: &NetbiosName, calling: &NetbiosName) {
    cx.fact(Attribute::HostName, calling.name());
    // `*SMBSERVER` stands for whoever listens.
    if !called.name().starts_with(b"*") {
        cx.receiver_fact(Attribute::HostName, called.name());
    }
}

fn observe_smb2(cx: &mut Context<'_>, packet: &Smb2<'_>) {
    cx.verb(smb2_command(packet.command), packet.bytes);
    match packet.body {
        Smb2Body::Offer { dialects, signing_required } => {
            cx.fact(Attribute::SmbDialect, dialect_names(&dialects));
            state_signing(cx, signing_required);
        }
        Smb2Body::Negotiated(negotiated) => observe_negotiated(cx, &negotiated),
        Smb2Body::Setup { token } => observe_token(cx, token),
        Smb2Body::Unread => {}
    }
    match packet.command {
        SMB2_SESSION_SETUP => report_refusal(cx, packet.status),
        SMB2_TREE_CONNECT => report_denial(cx, packet.status),
        _ => {}
    }
}

fn dialect_names(dialects: &DialectList<'_>) -> String {
    let names: Vec<&str> =
        dialects.iter().map(|revision| smb2_dialect(revision).unwrap_or("other")).collect();
    names.join(", ")
}

fn observe_negotiated(cx: &mut Context<'_>, negotiated: &Negotiated<'_>) {
    if negotiated.dialect != DIALECT_WILDCARD {
        match smb2_dialect(negotiated.dialect) {
            Some(dialect) => state_dialect(cx, dialect),
            None => state_dialect(cx, &format!("{:#06x}", negotiated.dialect)),
        }
    }
    state_signing(cx, negotiated.signing_required);
}

/// The dialect chosen is the one that both ends speak.
fn state_dialect(cx: &mut Context<'_>, dialect: &str) {
    cx.fact(Attribute::SmbDialect, dialect);
    cx.receiver_fact(Attribute::SmbDialect, dialect);
}

fn state_signing(cx: &mut Context<'_>, is_required: bool) {
    cx.fact(Attribute::SmbSigning, if is_required { "required" } else { "not required" });
}

fn observe_native(cx: &mut Context<'_>, native_os: Text<'_>, native_lan_man: Text<'_>) {
    cx.fact(Attribute::OperatingSystem, native_os.to_text());
    let software = native_lan_man.to_text();
    match software.split_once(' ') {
        Some(("Samba", version)) => {
            cx.fact(Attribute::SoftwareName, "Samba");
            cx.fact(Attribute::SoftwareVersion, version);
        }
        _ => cx.fact(Attribute::SoftwareName, software),
    }
}

fn observe_token(cx: &mut Context<'_>, token: &[u8]) {
    match find_ntlm(token) {
        Some(Ntlm::Negotiate { version }) => state_version(cx, version),
        Some(Ntlm::Challenge(challenge)) => observe_challenge(cx, &challenge),
        Some(Ntlm::Authenticate(authenticate)) => observe_authenticate(cx, &authenticate),
        None if has_kerberos_ticket(token) => cx.event(EventKind::Login, "kerberos"),
        None => {}
    }
}

/// A server that belongs to no domain gives its own name for one.
fn observe_challenge(cx: &mut Context<'_>, challenge: &Challenge<'_>) {
    let names = [(challenge.computer, challenge.domain), (challenge.dns_computer, challenge.dns_domain)];
    for (computer, domain) in names {
        let [computer, domain] = [computer, domain].map(|text| text.unwrap_or_default().to_text());
        cx.fact(Attribute::HostName, &computer);
        if !domain.eq_ignore_ascii_case(&computer) {
            cx.fact(Attribute::DomainName, &domain);
        }
    }
    state_version(cx, challenge.version);
}

fn observe_authenticate(cx: &mut Context<'_>, authenticate: &Authenticate<'_>) {
    let workstation = authenticate.workstation.to_text();
    let domain = authenticate.domain.to_text();
    cx.fact(Attribute::HostName, &workstation);
    // A local account's domain is the computer, or `.`.
    if domain != "." && !domain.eq_ignore_ascii_case(&workstation) {
        cx.fact(Attribute::DomainName, &domain);
    }
    state_version(cx, authenticate.version);
    cx.event(EventKind::Login, if authenticate.is_anonymous { "ntlm anonymous" } else { "ntlm" });
}

fn state_version(cx: &mut Context<'_>, version: Option<OsVersion>) {
    if let Some(OsVersion { major, minor, build }) = version {
        cx.fact(Attribute::OperatingSystem, format!("Windows NT {major}.{minor}.{build}"));
    }
}

fn report_refusal(cx: &mut Context<'_>, code: u32) {
    match status(code) {
        _ if matches!(code, SUCCESS | MORE_PROCESSING_REQUIRED) => {}
        Some(name) => cx.event(EventKind::LoginRefused, name),
        None => cx.event(EventKind::LoginRefused, &format!("status {code:#010x}")),
    }
}

/// That a share does not exist is everyday; that it may not be opened is not.
fn report_denial(cx: &mut Context<'_>, code: u32) {
    if code == ACCESS_DENIED {
        cx.event(EventKind::ErrorReply, "TREE_CONNECT STATUS_ACCESS_DENIED");
    }
}

#[cfg(test)]
mod tests;
