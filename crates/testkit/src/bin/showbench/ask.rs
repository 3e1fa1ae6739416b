//! Requests one after the other on one connection, each with its time from the first byte sent to the last byte read.

use crate::{Request, tell};
use anyhow::{Context as _, Result, ensure};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// What came of one request.
pub(crate) struct Answer {
    /// Milliseconds to the first byte of the answer.
    pub(crate) first_ms: f64,
    /// Milliseconds to its last byte.
    pub(crate) last_ms: f64,
    /// Bytes of its body as sent.
    pub(crate) bytes: u64,
}

pub(crate) fn ask(request: &Request) -> Result<()> {
    let rounds = request.number("rounds", 200);
    // The first round is not counted, but where what is measured is the first time.
    let cold = request.number("cold", 1);
    let paths: Vec<String> = std::io::stdin().lines().collect::<Result<_, _>>()?;
    let mut paths: Vec<&str> = paths.iter().map(|path| path.trim()).filter(|path| !path.is_empty()).collect();
    ensure!(!paths.is_empty(), "no paths on standard input");
    let mut peer = Peer::connect(&request.of)?;
    // Round by round, so that what disturbs the machine disturbs all alike.
    for round in 0..rounds + cold {
        let mut absent = Vec::new();
        for path in &paths {
            let Some(answer) = peer.get(path)? else {
                eprintln!("showbench: {path} is not there (404): left out");
                absent.push(*path);
                continue;
            };
            if round >= cold {
                tell(&format!("first ms {path}"), answer.first_ms);
                tell(&format!("last ms {path}"), answer.last_ms);
                tell(&format!("bytes {path}"), answer.bytes as f64);
            }
        }
        paths.retain(|path| !absent.contains(path));
    }
    Ok(())
}

struct Peer {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Peer {
    fn connect(url: &str) -> Result<Self> {
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let stream = TcpStream::connect(&host).with_context(|| format!("nobody listens on {host}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { host, stream: BufReader::with_capacity(1 << 16, stream) })
    }

    /// `None` where there is no such page.
    fn get(&mut self, path: &str) -> Result<Option<Answer>> {
        match self.try_get(path) {
            Ok(answer) => Ok(answer),
            // The connection may have come to its age.
            Err(_) => {
                *self = Self::connect(&self.host)?;
                self.try_get(path)
            }
        }
    }

    fn try_get(&mut self, path: &str) -> Result<Option<Answer>> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\naccept-encoding: gzip\r\n\r\n", self.host);
        let begun = Instant::now();
        self.stream.get_mut().write_all(head.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let first_ms = begun.elapsed().as_secs_f64() * 1e3;
        let is_absent = line.contains(" 404 ");
        ensure!(is_absent || line.contains(" 200 "), "{path}: {}", line.trim());
        let (mut length, mut is_chunked, mut closes) = (None, false, false);
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line)? > 0, "{path}: the head broke off");
            let field = line.trim().to_ascii_lowercase();
            if field.is_empty() {
                break;
            }
            if let Some(value) = field.strip_prefix("content-length:") {
                length = Some(value.trim().parse::<u64>()?);
            }
            is_chunked |= field.starts_with("transfer-encoding:") && field.contains("chunked");
            closes |= field == "connection: close";
        }
        let bytes = match length {
            Some(length) => self.skip(length)?,
            None if is_chunked => self.chunks(path)?,
            None => std::io::copy(&mut (&mut self.stream).take(ANSWER_BYTES_MAX), &mut std::io::sink())?,
        };
        let last_ms = begun.elapsed().as_secs_f64() * 1e3;
        if closes || (length.is_none() && !is_chunked) {
            *self = Self::connect(&self.host)?;
        }
        Ok((!is_absent).then_some(Answer { first_ms, last_ms, bytes }))
    }

    fn skip(&mut self, length: u64) -> Result<u64> {
        let read = std::io::copy(&mut (&mut self.stream).take(length), &mut std::io::sink())?;
        ensure!(read == length, "the answer broke off");
        Ok(read)
    }

    fn chunks(&mut self, path: &str) -> Result<u64> {
        let (mut total, mut line) = (0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let length =
                u64::from_str_radix(line.trim(), 16).with_context(|| format!("{path}: chunk {line:?}"))?;
            total += self.skip(length)?;
            self.skip(2)?;
            if length == 0 {
                return Ok(total);
            }
            ensure!(total < ANSWER_BYTES_MAX, "{path}: longer than {ANSWER_BYTES_MAX} bytes");
        }
    }
}
