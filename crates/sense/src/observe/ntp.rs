//! What NTP tells: who gives the time to whom, who asks a server about itself, and what the server's software is.

use super::{Context, Datagram};
use model::{Attribute, EventKind, UnparsedReason};
use wire::ntp::{Control, Message, Mode, Time, parse};

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(wire::Error::Limit { .. }) => return Datagram::Broken(UnparsedReason::Limit),
        Err(wire::Error::Truncated { at: 0, .. }) => return Datagram::NotOurs,
        Err(_) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    cx.verb(message.verb(), payload.len());
    match message {
        Message::Time(time) => told(cx, time),
        Message::Control(control) => variables(cx, control),
        Message::Private(_) => {}
    }
    Datagram::Read
}

fn told(cx: &mut Context<'_>, time: Time) {
    if let Some(code) = time.kiss() {
        cx.event(EventKind::ErrorReply, kiss_detail(code));
    }
    if matches!(time.mode, Mode::Server | Mode::Broadcast) {
        cx.fact(Attribute::ServiceType, "ntp server");
    }
}

/// The codes that turn a client away; the others are passing states of the server.
fn kiss_detail(code: &str) -> &'static str {
    match code {
        "DENY" => "kiss-o'-death DENY",
        "RSTR" => "kiss-o'-death RSTR",
        "RATE" => "kiss-o'-death RATE",
        _ => "kiss-o'-death",
    }
}

fn variables(cx: &mut Context<'_>, control: Control<'_>) {
    for (name, value) in control.variables() {
        match name {
            b"version" => cx.fact(Attribute::ServerBanner, value),
            b"system" => cx.fact(Attribute::OperatingSystem, value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Side;
    use crate::observe::testing::Bench;
    use model::Protocol;

    /// Packet 2 of the Zeek project's ntp.pcap (BSD-3-Clause).
    const SERVER: [u8; 48] = *b"\x24\x01\x08\xec\0\0\0\0\0\0\0\x41GPSs\xdb\xac\xa3\xe7\xf6\xd6\xae\x36\
        \xdb\xac\xa3\xe8\x77\xc4\x08\xac\xdb\xac\xa3\xe8\x82\x0d\x17\x8f\xdb\xac\xa3\xe8\x82\x0e\x17\x9e";

    #[test]
    fn who_answers_is_a_server() {
        let mut bench = Bench::udp(Protocol::Ntp);
        let mut request = [0; 48];
        request[0] = 0x1b;
        assert_eq!(bench.datagram(datagram, Side::Client, &request), Datagram::Read);
        assert_eq!(bench.datagram(datagram, Side::Server, &SERVER), Datagram::Read);
        assert_eq!(bench.facts(), ["10.0.0.2 service-type ntp server"]);
        assert_eq!(bench.verbs(), ["CLIENT client 1", "SERVER server 1"]);
        assert!(bench.events().is_empty());
    }

    #[test]
    fn a_kiss_of_death_is_an_error_reply() {
        let mut bench = Bench::udp(Protocol::Ntp);
        let mut kiss = SERVER;
        kiss[1] = 0;
        kiss[12..16].copy_from_slice(b"DENY");
        bench.datagram(datagram, Side::Server, &kiss);
        assert_eq!(bench.events(), ["10.0.0.2 ErrorReply kiss-o'-death DENY"]);
    }

    #[test]
    fn a_control_answer_names_the_software() {
        let mut bench = Bench::udp(Protocol::Ntp);
        let answer =
            b"\x16\x82\0\x01\x06\x18\0\0\0\0\0\x2eversion=\"ntpd 4.2.8p10\", system=\"Linux/4.4.79\"..";
        assert_eq!(bench.datagram(datagram, Side::Server, answer), Datagram::Read);
        assert_eq!(
            bench.facts(),
            ["10.0.0.2 server-banner ntpd 4.2.8p10", "10.0.0.2 operating-system Linux/4.4.79"]
        );
    }

    #[test]
    fn what_breaks_the_standard_is_said_so() {
        let mut bench = Bench::udp(Protocol::Ntp);
        let cut = bench.datagram(datagram, Side::Server, &SERVER[..20]);
        assert_eq!(cut, Datagram::Broken(UnparsedReason::BadMessage));
        assert!(bench.verbs().is_empty());
    }
}
