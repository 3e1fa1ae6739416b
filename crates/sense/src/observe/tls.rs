//! What a TLS handshake tells of both ends, until the conversation goes dark.

use super::{Context, Side, Step, Stream};
use model::{Attribute, EventKind, UnparsedReason};
use std::fmt::Write as _;
use wire::tls::{
    Certificate, CipherSuite, ContentType, Handshake, HandshakeType, Ja4Transport, Message, Record, alert,
    certificate, client_hello, handshake, ja4, leaf, parse, plausible_record, server_hello,
    server_key_exchange,
};
use wire::{Framed, Probe};

/// Encrypted records of one side after which the other is no longer waited for: the tap sees half the conversation.
const ENCRYPTED_RECORDS_MAX: u32 = 32;
/// Fatal, RFC 8446 §6.
const ALERT_LEVEL_FATAL: u8 = 2;

/// A TLS conversation.
#[derive(Debug, Default)]
pub struct Tls {
    halves: [Half; 2],
    /// The suite that the server chose: the shape of its ServerKeyExchange depends on it.
    cipher_suite: Option<CipherSuite>,
    /// The server asked for another hello: a ChangeCipherSpec does not end the clear part (RFC 8446 appendix D.4).
    is_retried: bool,
}

/// What one side sent.
#[derive(Debug, Default)]
struct Half {
    /// The beginning of a handshake message that goes on in the next record. At most `HANDSHAKE_BYTES_MAX`.
    pending: Vec<u8>,
    /// Bytes of a long handshake message still to come that nobody needs.
    skip: usize,
    has_greeted: bool,
    is_encrypted: bool,
    encrypted_records: u32,
}

impl Stream for Tls {
    fn take(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step {
        let (message, length) = match parse(input) {
            Ok(Framed::Whole { message, length }) => (message, length),
            Ok(Framed::Partial { need }) => return Step::Need(need),
            Err(_) => return Step::Broken(UnparsedReason::BadMessage),
        };
        let read = match message {
            Message::Record(record) => self.record(cx, side, record, length),
            Message::Ssl2ClientHello(_) => {
                cx.verb("CLIENT-HELLO", length);
                self.half(side).has_greeted = true;
                Ok(())
            }
        };
        match read {
            _ if self.is_dark(side) => Step::Enough,
            Ok(()) => Step::Took(length),
            Err(reason) => Step::Broken(reason),
        }
    }

    fn gap(&mut self, side: Side) {
        let half = self.half(side);
        half.pending = Vec::new();
        half.skip = 0;
        // The hello may be among what is lost: then an unreadable handshake message is an encrypted one.
        half.has_greeted = false;
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        plausible_record(head) || wire::tls::probe(head) == Probe::Certain
    }
}

impl Tls {
    fn half(&mut self, side: Side) -> &mut Half {
        let [client, server] = &mut self.halves;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    /// Nothing in clear is to be expected any more.
    fn is_dark(&mut self, side: Side) -> bool {
        let other_encrypted = self.half(side.other()).is_encrypted;
        let half = self.half(side);
        half.is_encrypted && (other_encrypted || half.encrypted_records >= ENCRYPTED_RECORDS_MAX)
    }

    fn record(
        &mut self,
        cx: &mut Context<'_>,
        side: Side,
        record: Record<'_>,
        length: usize,
    ) -> Result<(), UnparsedReason> {
        let is_retried = self.is_retried;
        let nobody_greeted = self.halves.iter().all(|half| !half.has_greeted);
        let half = self.half(side);
        match record.content_type {
            ContentType::Handshake if half.is_encrypted => half.encrypted_records += 1,
            ContentType::Handshake => return self.fragment(cx, side, record.fragment),
            ContentType::ChangeCipherSpec => half.is_encrypted |= !is_retried,
            ContentType::ApplicationData => {
                half.is_encrypted = true;
                half.encrypted_records += 1;
                if nobody_greeted {
                    // The capture began in the middle: the hellos will not come.
                    self.halves.iter_mut().for_each(|half| half.is_encrypted = true);
                }
                cx.verb("APPLICATION-DATA", length);
            }
            ContentType::Alert => {
                cx.verb("ALERT", length);
                // An encrypted alert is longer: it carries an authentication tag.
                if let &[ALERT_LEVEL_FATAL, description] = record.fragment {
                    report_alert(cx, description);
                }
            }
            ContentType::Heartbeat => cx.verb("HEARTBEAT", length),
        }
        Ok(())
    }

    /// Handshake messages may share a record or span several (RFC 8446 §5.1).
    fn fragment(
        &mut self,
        cx: &mut Context<'_>,
        side: Side,
        mut fragment: &[u8],
    ) -> Result<(), UnparsedReason> {
        loop {
            let half = self.half(side);
            let skipped = half.skip.min(fragment.len());
            half.skip -= skipped;
            fragment = fragment.get(skipped..).unwrap_or_default();
            if half.is_encrypted || (fragment.is_empty() && half.pending.is_empty()) {
                return Ok(());
            }
            let mut pending = std::mem::take(&mut half.pending);
            let joined = if pending.is_empty() { fragment } else { pending.as_slice() };
            match handshake(joined) {
                Ok(Framed::Whole { message, length }) => {
                    let consumed = length.min(joined.len());
                    half.skip = length - consumed;
                    if pending.is_empty() {
                        fragment = fragment.get(consumed..).unwrap_or_default();
                    }
                    self.message_or_noise(cx, side, message, length)?;
                }
                Ok(Framed::Partial { need }) => {
                    let missing = need.saturating_sub(pending.len());
                    let (head, rest) = fragment.split_at_checked(missing).unwrap_or((fragment, &[]));
                    pending.extend_from_slice(head);
                    half.pending = pending;
                    fragment = rest;
                    if head.len() < missing {
                        return Ok(());
                    }
                }
                Err(_) => return Err(UnparsedReason::BadMessage),
            }
        }
    }

    /// What cannot be read of a side whose hello was not seen is encrypted, not broken.
    fn message_or_noise(
        &mut self,
        cx: &mut Context<'_>,
        side: Side,
        message: Handshake<'_>,
        length: usize,
    ) -> Result<(), UnparsedReason> {
        let has_greeted = self.half(side).has_greeted;
        let is_hello = matches!(message.kind, HandshakeType::ClientHello | HandshakeType::ServerHello);
        let read = self.message(cx, side, message, length);
        if read.is_err() && !has_greeted && !is_hello {
            self.half(side).is_encrypted = true;
            return Ok(());
        }
        read
    }

    fn message(
        &mut self,
        cx: &mut Context<'_>,
        side: Side,
        message: Handshake<'_>,
        length: usize,
    ) -> Result<(), UnparsedReason> {
        let bad = |_| UnparsedReason::BadMessage;
        match message.kind {
            HandshakeType::ClientHello => {
                self.half(side).has_greeted = true;
                cx.verb("CLIENT-HELLO", length);
                observe_client(cx, message.body).map_err(bad)?;
            }
            HandshakeType::ServerHello => {
                self.half(side).has_greeted = true;
                self.observe_server(cx, message.body, length).map_err(bad)?;
            }
            HandshakeType::Certificate => {
                cx.verb("CERTIFICATE", length);
                if let Some(der) = leaf(message.body).map_err(bad)? {
                    observe_certificate(cx, &certificate(der).map_err(bad)?);
                }
            }
            HandshakeType::ServerKeyExchange => {
                cx.verb("HANDSHAKE", length);
                if let Some(group) =
                    self.cipher_suite.and_then(|suite| server_key_exchange(message.body, suite))
                {
                    cx.fact(Attribute::TlsGroup, group.to_string());
                }
            }
            HandshakeType::Unread(_) => cx.verb("HANDSHAKE", length),
            HandshakeType::Unknown(_) if self.half(side).has_greeted => {
                return Err(UnparsedReason::BadMessage);
            }
            HandshakeType::Unknown(_) => self.half(side).is_encrypted = true,
        }
        Ok(())
    }

    fn observe_server(
        &mut self,
        cx: &mut Context<'_>,
        body: &[u8],
        length: usize,
    ) -> Result<(), wire::Error> {
        let hello = server_hello(body)?;
        self.is_retried |= hello.retry;
        if hello.retry {
            cx.verb("HELLO-RETRY-REQUEST", length);
            return Ok(());
        }
        cx.verb("SERVER-HELLO", length);
        self.cipher_suite = Some(hello.cipher_suite);
        cx.fact(Attribute::TlsVersion, hello.version.to_string());
        cx.fact(Attribute::TlsCipherSuite, hello.cipher_suite.to_string());
        if let Some(group) = hello.group {
            cx.fact(Attribute::TlsGroup, group.to_string());
        }
        Ok(())
    }
}

fn observe_client(cx: &mut Context<'_>, body: &[u8]) -> Result<(), wire::Error> {
    let hello = client_hello(body)?;
    cx.fact(Attribute::Ja4, ja4(&hello, Ja4Transport::Tcp));
    if let Some(name) = hello.server_name {
        cx.receiver_fact(Attribute::TlsServerName, name);
    }
    Ok(())
}

fn observe_certificate(cx: &mut Context<'_>, certificate: &Certificate) {
    let mut subject = certificate.subject.to_string();
    for name in &certificate.dns_names {
        let separator = if subject.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(subject, "{separator}DNS={name}");
    }
    cx.fact(Attribute::CertificateSubject, subject);
    cx.fact(Attribute::CertificateIssuer, certificate.issuer.to_string());
    cx.fact(Attribute::CertificateExpiry, &certificate.not_after);
}

fn report_alert(cx: &mut Context<'_>, description: u8) {
    match alert(description) {
        Some(name) => cx.event(EventKind::ErrorReply, &format!("alert {name}")),
        None => cx.event(EventKind::ErrorReply, &format!("alert {description}")),
    }
}

#[cfg(test)]
mod tests;
