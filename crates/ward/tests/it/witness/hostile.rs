//! Thousands of requests that are almost right: none is answered with 5xx, none that is not genuine is cosigned.

use super::log::Log;
use super::server::{Server, agent, home, post};

/// A generator that gives the same on every machine (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }

    fn mutate(&mut self, body: &mut Vec<u8>, others: &[String]) {
        let at = self.next(body.len().max(1)).min(body.len().saturating_sub(1));
        match self.next(10) {
            0 if !body.is_empty() => body[at] ^= 1 << self.next(8),
            1 if !body.is_empty() => body[at] = b"\n\0 +0A=\xe2\x80\xff"[self.next(10)],
            2 => body.truncate(at),
            3 if !body.is_empty() => drop(body.remove(at)),
            4 => body.insert(at, b"\n \r0=\xff"[self.next(6)]),
            5 => {
                let end = (at + self.next(60)).min(body.len());
                let piece = body[at.min(end)..end].to_vec();
                let to = self.next(body.len() + 1);
                body.splice(to..to, piece);
            }
            6 => {
                // Lines of one request in another.
                let text = String::from_utf8_lossy(body).into_owned();
                let mut lines: Vec<&str> = text.split('\n').collect();
                let other: Vec<&str> = others[self.next(others.len())].split('\n').collect();
                let place = self.next(lines.len());
                lines[place] = other[self.next(other.len())];
                *body = lines.join("\n").into_bytes();
            }
            7 => {
                let text = String::from_utf8_lossy(body).into_owned();
                let mut lines: Vec<&str> = text.split('\n').collect();
                let (a, b) = (self.next(lines.len()), self.next(lines.len()));
                lines.swap(a, b);
                *body = lines.join("\n").into_bytes();
            }
            8 => {
                let text = String::from_utf8_lossy(body).into_owned();
                let old = [
                    "old 0",
                    "old 1",
                    "old 9223372036854775807",
                    "old 18446744073709551616",
                    "old 100",
                    "old",
                ];
                let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
                *body = format!("{}\n{rest}", old[self.next(old.len())]).into_bytes();
            }
            _ => body.extend(std::iter::repeat_n(b'A', self.next(3000))),
        }
    }
}

#[test]
fn almost_right_is_never_cosigned_and_never_an_error_of_ours() {
    let home = home();
    let server = Server::start(home.path());
    let agent = agent();
    let head = Log::of("a", 100);
    assert_eq!(server.post(head.request(0).as_bytes()).status, 200);
    // Of everything below, these two texts alone are genuine and follow from the head.
    let next = Log::of("a", 160);
    let genuine = [head.checkpoint().note.text().to_owned(), next.checkpoint().note.text().to_owned()];
    let mut forked = Log::of("a", 60);
    forked.grow("b", 160);
    let stranger = Log::named("stranger.example", 9);
    let seeds = [
        head.request(100),
        next.request(100),
        forked.request(100),
        forked.request(60),
        Log::of("b", 100).request(100),
        stranger.request(0),
        String::new(),
    ];
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut by_status, mut cosigned) = (std::collections::BTreeMap::new(), 0);
    for _ in 0..4000 {
        let mut body = seeds[chance.next(seeds.len())].clone().into_bytes();
        for _ in 0..=chance.next(3) {
            chance.mutate(&mut body, &seeds);
        }
        let reply = post(&agent, &server.url, &body);
        *by_status.entry(reply.status).or_insert(0) += 1;
        if reply.status == 200 {
            let text = String::from_utf8(body).unwrap();
            let note = text.split_once("\n\n").unwrap().1;
            assert!(genuine.iter().any(|genuine| note.starts_with(&format!("{genuine}\n"))), "{text}");
            cosigned += 1;
            continue;
        }
        assert!([400, 403, 404, 409, 413, 422].contains(&reply.status), "{reply:?}");
        assert!(!reply.body.contains("\u{2014} witness"), "{reply:?}");
    }
    eprintln!("answers by status: {by_status:?}, of them {cosigned} genuine after all");
    for status in [400, 403, 404, 409, 422] {
        assert!(by_status.contains_key(&status), "the mutations never reached {status}: {by_status:?}");
    }
    // It still works, from wherever the genuine ones have taken it.
    let size = if server.post(next.request(100).as_bytes()).status == 200 { next.size() } else { 160 };
    assert_eq!(server.post(Log::of("a", size + 1).request(size).as_bytes()).status, 200);
}
