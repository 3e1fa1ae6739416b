//! What the opening of an SSH conversation tells of both ends.

use super::{Context, Side, Step, Stream};
use model::{Attribute, EventKind, UnparsedReason};
use wire::ssh::{
    DISCONNECT_BY_APPLICATION, Identification, Line, Message, Packet, disconnect_reason, kex_init, parse,
    parse_packet,
};
use wire::{Error, Framed, Probe};

/// Lines of greeting that a server may send before its identification.
const GREETING_LINES_MAX: u32 = 64;
/// How packagers begin the comments of an identification, and the operating system that this shows.
const PACKAGERS: [(&[u8], &str); 5] = [
    (b"Ubuntu", "Ubuntu"),
    (b"Debian", "Debian"),
    (b"Raspbian", "Raspbian"),
    (b"FreeBSD", "FreeBSD"),
    (b"NetBSD", "NetBSD"),
];

/// An SSH conversation.
#[derive(Debug, Default)]
pub struct Ssh {
    halves: [Half; 2],
}

/// How far one side has come.
#[derive(Debug, Default)]
struct Half {
    greeting_lines: u32,
    is_identified: bool,
    /// Its offer was seen, or cannot come any more: what is left is of no use, or encrypted.
    is_done: bool,
}

impl Stream for Ssh {
    fn take(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step {
        let half = self.half(side);
        let step = if half.is_identified { half.packet(cx, input) } else { half.line(cx, side, input) };
        if self.halves.iter().all(|half| half.is_done) { Step::Enough } else { step }
    }

    fn gap(&mut self, side: Side) {
        let half = self.half(side);
        // Where the next packet begins is not to be found again.
        half.is_done = half.is_identified;
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        wire::ssh::probe(head) == Probe::Certain
    }
}

impl Ssh {
    fn half(&mut self, side: Side) -> &mut Half {
        let [client, server] = &mut self.halves;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }
}

impl Half {
    fn line(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step {
        let (message, length) = match parse(input) {
            Ok(Framed::Whole { message, length }) => (message, length),
            Ok(Framed::Partial { need }) => return Step::Need(need),
            Err(error) => return broken(error),
        };
        match message {
            Line::Identification(identification) => {
                self.is_identified = true;
                // SSH 1 has packets of another shape, and they tell nothing more.
                self.is_done = !identification.is_version_2();
                cx.verb("IDENTIFICATION", length);
                identify(cx, side, &identification);
            }
            Line::Greeting => {
                cx.verb("GREETING", length);
                self.greeting_lines += 1;
                if self.greeting_lines > GREETING_LINES_MAX {
                    return Step::Broken(UnparsedReason::Limit);
                }
            }
        }
        Step::Took(length)
    }

    fn packet(&mut self, cx: &mut Context<'_>, input: &[u8]) -> Step {
        if self.is_done {
            return Step::Took(input.len());
        }
        let (packet, length) = match parse_packet(input) {
            Ok(Framed::Whole { message, length }) => (message, length),
            Ok(Framed::Partial { need }) => return Step::Need(need),
            Err(error) => {
                self.is_done = true;
                return broken(error);
            }
        };
        cx.verb(packet.message.verb(), length);
        match packet.message {
            Message::KexInit => {
                self.is_done = true;
                match kex_init(packet.body) {
                    Ok(offer) => cx.fact(Attribute::SshKeyExchange, offer.kex_algorithms.first()),
                    Err(error) => return broken(error),
                }
            }
            Message::Disconnect => report_disconnect(cx, &packet),
            Message::NewKeys | Message::Other(_) => self.is_done = true,
            Message::Transport(_) | Message::KeyExchange(_) => {}
        }
        Step::Took(length)
    }
}

fn identify(cx: &mut Context<'_>, side: Side, identification: &Identification<'_>) {
    cx.fact(Attribute::SshVersion, identification.line);
    if side == Side::Server {
        cx.fact(Attribute::ServerBanner, identification.line);
    }
    if let Some((name, version)) = identification.product() {
        cx.fact(Attribute::SoftwareName, name);
        cx.fact(Attribute::SoftwareVersion, version);
    }
    let comments = identification.comments.unwrap_or_default();
    if let Some((_, system)) = PACKAGERS.iter().find(|(prefix, _)| comments.starts_with(prefix)) {
        cx.fact(Attribute::OperatingSystem, system);
    } else if identification.software.starts_with(b"OpenSSH_for_Windows") {
        cx.fact(Attribute::OperatingSystem, "Windows");
    }
}

fn report_disconnect(cx: &mut Context<'_>, packet: &Packet<'_>) {
    match packet.body.first_chunk().map(|&code| u32::from_be_bytes(code)) {
        None | Some(DISCONNECT_BY_APPLICATION) => {}
        Some(code) => match disconnect_reason(code) {
            Some(reason) => cx.event(EventKind::ErrorReply, reason),
            None => cx.event(EventKind::ErrorReply, "disconnect"),
        },
    }
}

fn broken(error: Error) -> Step {
    Step::Broken(match error {
        Error::Limit { .. } => UnparsedReason::Limit,
        Error::Truncated { .. } | Error::Malformed { .. } => UnparsedReason::BadMessage,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::Bench;
    use model::Protocol;

    fn packet(number: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u32 + 6).to_be_bytes().to_vec();
        bytes.extend([4, number]);
        bytes.extend_from_slice(body);
        bytes.extend([0; 4]);
        bytes
    }

    fn offer(algorithms: &[u8]) -> Vec<u8> {
        let mut body = vec![7; 16];
        for list in
            [algorithms, b"ssh-ed25519", b"aes256-ctr", b"aes256-ctr", b"hmac-sha2-256", b"hmac-sha2-256"]
        {
            body.extend((list.len() as u32).to_be_bytes());
            body.extend_from_slice(list);
        }
        packet(20, &body)
    }

    #[test]
    fn both_ends_name_their_software_and_then_it_is_enough() {
        let mut bench = Bench::tcp(Protocol::Ssh);
        let mut ssh = Ssh::default();
        let greeting = b"Authorised use only, call Jane Doe\r\nSSH-2.0-OpenSSH_8.2p1 Ubuntu-4ubuntu0.5\r\n";
        assert_eq!(bench.stream(&mut ssh, Side::Server, greeting), [Step::Took(36), Step::Took(41)]);
        assert_eq!(bench.stream(&mut ssh, Side::Client, b"SSH-2.0-dropbear_2019.78\n"), [Step::Took(25)]);
        bench.stream(&mut ssh, Side::Client, &offer(b"a,b,c,d,e"));
        assert_eq!(bench.stream(&mut ssh, Side::Server, &offer(b"curve25519-sha256")), [Step::Enough]);
        assert!(!bench.all_text().contains("Jane"), "a greeting is for people");
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.2 ssh-version SSH-2.0-OpenSSH_8.2p1 Ubuntu-4ubuntu0.5",
                "10.0.0.2 server-banner SSH-2.0-OpenSSH_8.2p1 Ubuntu-4ubuntu0.5",
                "10.0.0.2 software-name OpenSSH",
                "10.0.0.2 software-version 8.2p1",
                "10.0.0.2 operating-system Ubuntu",
                "10.0.0.1 ssh-version SSH-2.0-dropbear_2019.78",
                "10.0.0.1 software-name dropbear",
                "10.0.0.1 software-version 2019.78",
                "10.0.0.1 ssh-key-exchange a,b,c,d",
                "10.0.0.2 ssh-key-exchange curve25519-sha256",
            ]
        );
    }

    #[test]
    fn ssh_1_is_enough_after_the_identifications() {
        let mut bench = Bench::tcp(Protocol::Ssh);
        let mut ssh = Ssh::default();
        assert_eq!(bench.stream(&mut ssh, Side::Server, b"SSH-1.5-Cisco-1.25\n"), [Step::Took(19)]);
        assert_eq!(bench.stream(&mut ssh, Side::Client, b"SSH-1.5-PuTTY_Release_0.70\r\n"), [Step::Enough]);
    }

    #[test]
    fn a_refusal_in_clear_is_reported_without_its_text() {
        let mut bench = Bench::tcp(Protocol::Ssh);
        let mut ssh = Ssh::default();
        bench.stream(&mut ssh, Side::Server, b"SSH-2.0-X\r\n");
        let mut body = 3u32.to_be_bytes().to_vec();
        body.extend(b"\0\0\0\x08Jane Doe");
        bench.stream(&mut ssh, Side::Server, &packet(1, &body));
        assert_eq!(bench.events(), ["10.0.0.2 ErrorReply disconnect key exchange failed"]);
    }

    #[test]
    fn a_side_with_a_gap_is_not_waited_for() {
        let mut bench = Bench::tcp(Protocol::Ssh);
        let mut ssh = Ssh::default();
        bench.stream(&mut ssh, Side::Server, b"SSH-2.0-X\r\n");
        bench.stream(&mut ssh, Side::Client, b"SSH-2.0-Y\r\n");
        ssh.gap(Side::Server);
        assert_eq!(bench.stream(&mut ssh, Side::Client, &offer(b"a")), [Step::Enough]);
    }

    #[test]
    fn endless_greetings_are_given_up() {
        let mut bench = Bench::tcp(Protocol::Ssh);
        let lines = b"hello\r\n".repeat(100);
        let steps = bench.stream(&mut Ssh::default(), Side::Server, &lines);
        assert_eq!(steps.len(), GREETING_LINES_MAX as usize + 1);
        assert_eq!(steps.last(), Some(&Step::Broken(UnparsedReason::Limit)));
    }
}
