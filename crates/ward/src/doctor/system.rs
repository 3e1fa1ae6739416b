//! The machine around the store: clock, interfaces, watched folders, port, witnesses.

use super::Check;
use crate::capture::{self, CaptureError};
use crate::config::{Config, Listen, Witness};
use model::Timestamp;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// No clock of a machine that this build runs on is before 2026.
const CLOCK_MIN: Timestamp = Timestamp::from_secs(1_767_225_600);
/// Where the system keeps time zones.
const ZONES: &str = "/usr/share/zoneinfo";
/// How long a witness may take to answer the door.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn clock(config: &Config, now: Timestamp) -> Vec<Check> {
    vec![sane(now), synchronised(), zone(&config.site.time_zone, Path::new(ZONES))]
}

fn sane(now: Timestamp) -> Check {
    const NAME: &str = "clock";
    let installed = std::fs::metadata("/proc/self/exe").and_then(|program| program.modified()).ok();
    let installed = installed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let least = CLOCK_MIN.max(installed.map_or(CLOCK_MIN, |since| Timestamp::from_secs(since.as_secs())));
    if now < least {
        Check::failed(
            NAME,
            "before the time at which this program was made",
            "set it: sudo timedatectl set-ntp true",
        )
    } else {
        Check::ok(NAME, "after the time at which this program was made")
    }
}

fn synchronised() -> Check {
    const NAME: &str = "time source";
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Check::ok(NAME, "synchronised");
    }
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    match asked.map(|output| (output.status.success(), output.stdout)) {
        Ok((true, answer)) if answer.starts_with(b"yes") => Check::ok(NAME, "synchronised"),
        Ok((true, answer)) if answer.starts_with(b"no") => Check::warning(
            NAME,
            "not synchronised: times in the ledger will be off",
            "sudo timedatectl set-ntp true, or run chrony",
        ),
        _ => Check::unknown(NAME, "timedatectl gives no answer here"),
    }
}

fn zone(name: &str, zones: &Path) -> Check {
    const NAME: &str = "time zone";
    if name == "UTC" || zones.join(name).is_file() {
        Check::ok(NAME, name)
    } else if zones.is_dir() {
        Check::failed(
            NAME,
            format!("there is no {name} in {ZONES}"),
            "timedatectl list-timezones shows what there is",
        )
    } else {
        Check::unknown(NAME, format!("{ZONES} is not there: install tzdata"))
    }
}

pub(super) fn interface(listen: &Listen, is_running: bool) -> Check {
    const NAME: &str = "interface";
    let name = listen.interface.as_str();
    let check = match capture::check_live(name, listen.own_interface) {
        Ok(()) => Check::ok(NAME, "up, silent, and ward may listen on it"),
        Err(CaptureError::NotPermitted { .. }) if is_running => {
            Check::unknown(NAME, "this user may not listen; the ward that runs can")
        }
        Err(CaptureError::CouldTransmit { faults, fixes, .. }) if !listen.prepare_interface => {
            Check::failed(NAME, faults, fixes)
        }
        Err(CaptureError::CouldTransmit { .. } | CaptureError::Down { .. }) if listen.prepare_interface => {
            Check::ok(NAME, "there; ward makes it silent and brings it up at the start")
        }
        Err(error) => {
            let told = error.to_string();
            let told = told.strip_prefix(&format!("{name}: ")).unwrap_or(&told);
            let (what, way_out) = told.split_once("; ").unwrap_or((told, "see docs/operate/capture.md"));
            Check::failed(NAME, what, way_out)
        }
    };
    check.of(name)
}

pub(super) fn watched(folder: &Path) -> Check {
    const NAME: &str = "watched folder";
    let shown = folder.display().to_string();
    let check = match std::fs::read_dir(folder) {
        Err(error) => Check::failed(NAME, error.to_string(), "make it, readable for the user that runs ward"),
        Ok(_) if !is_writable(folder) => Check::warning(
            NAME,
            "can be read, not written: whoever puts files there is not told which are durable",
            "let the user that runs ward write there, for .ward-cursor.jsonl",
        ),
        Ok(entries) => Check::ok(NAME, format!("can be read and written; {} entries", entries.count())),
    };
    check.of(shown)
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> bool {
    nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|metadata| !metadata.permissions().readonly())
}

pub(super) fn port(address: Option<SocketAddr>, is_running: bool) -> Check {
    const NAME: &str = "HTTP address";
    let Some(address) = address else { return Check::ok(NAME, "off") };
    match TcpListener::bind(address) {
        Ok(_) => Check::ok(NAME, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && is_running => {
            Check::ok(NAME, format!("{address} is in use, as it should be: a ward runs"))
        }
        Err(error) => Check::failed(
            NAME,
            format!("{address}: {error}"),
            format!(
                "choose another in http.address, or see who has it: ss -ltnp 'sport = :{}'",
                address.port()
            ),
        ),
    }
}

/// Whether somebody opens the door at a witness; no more is said to it.
pub(super) fn witness(witness: &Witness, online: bool) -> Check {
    const NAME: &str = "witness";
    let check = if !online {
        Check::unknown(NAME, "not asked: add --online")
    } else {
        match reach(&witness.url) {
            Ok(address) => Check::ok(NAME, format!("answers at {address}")),
            Err(error) => Check::failed(
                NAME,
                format!("{}: {error}", witness.url),
                "check name, port and firewall; until it answers checkpoints are not witnessed",
            ),
        }
    };
    check.of(witness.name.as_str())
}

fn reach(url: &str) -> std::io::Result<SocketAddr> {
    let (host, port) = host_and_port(url).ok_or_else(|| std::io::Error::other("no host in this URL"))?;
    let mut last = std::io::Error::other("the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// RFC 3986 §3.2, as far as a witness's URL needs it.
fn host_and_port(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let default = if scheme == "https" { 443 } else { 80 };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(v6) = authority.strip_prefix('[') {
        let (host, port) = v6.split_once(']')?;
        let port = port.strip_prefix(':').map_or(Some(default), |port| port.parse().ok())?;
        return Some((host, port));
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((authority, default)),
    }
    .filter(|(host, _)| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Answer;

    #[test]
    fn hosts_and_ports() {
        assert_eq!(host_and_port("https://w.example.net/a?b"), Some(("w.example.net", 443)));
        assert_eq!(host_and_port("http://u@w.example.net:8080"), Some(("w.example.net", 8080)));
        assert_eq!(host_and_port("http://[2001:db8::1]:81/x"), Some(("2001:db8::1", 81)));
        assert_eq!(host_and_port("http://[2001:db8::1]"), Some(("2001:db8::1", 80)));
        assert_eq!(host_and_port("https://:1"), None);
        assert_eq!(host_and_port("w.example.net"), None);
    }

    #[test]
    fn a_clock_of_the_last_century_is_found() {
        assert_eq!(sane(Timestamp::from_secs(900_000_000)).answer, Answer::Failed);
        assert_eq!(sane(Timestamp::from_secs(4_000_000_000)).answer, Answer::Ok);
    }

    #[test]
    fn zones_are_found_missing_or_not_known() {
        assert_eq!(zone("UTC", Path::new("/nonexistent")).answer, Answer::Ok);
        assert_eq!(zone("Europe/London", Path::new("/nonexistent")).answer, Answer::CouldNotCheck);
        assert_eq!(zone("Europe/Lundun", Path::new("/proc")).answer, Answer::Failed);
    }

    #[test]
    fn a_witness_is_reached_or_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let at = |url: String| Witness { name: "w".into(), url, key: String::new() };
        assert_eq!(witness(&at(format!("http://{address}")), false).answer, Answer::CouldNotCheck);
        assert_eq!(witness(&at(format!("http://{address}")), true).answer, Answer::Ok);
        drop(listener);
        assert_eq!(witness(&at(format!("http://{address}")), true).answer, Answer::Failed);
    }
}
