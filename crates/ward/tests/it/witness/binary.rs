//! `ward witness` from the outside: a process that is made, asked, killed and started again.

use super::log::Log;
use super::server::{agent, post};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn ward(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ward"))
        .arg("witness")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const NEW: [&str; 7] = ["--new-key", "--name", "witness.example/w1", "--key", "w.key", "--folder", "state"];

struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let log = Log::new().vkey();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ward"))
            .args([
                "witness",
                "--key",
                "w.key",
                "--folder",
                "state",
                "--listen",
                "127.0.0.1:0",
                "--log",
                &log,
            ])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once(' ').unwrap().1;
        Self { url: format!("http://{address}"), child }
    }

    fn ask(&self, log: &Log, old_size: u64) -> (u16, String) {
        let reply = post(&agent(), &self.url, log.request(old_size).as_bytes());
        (reply.status, reply.body)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_key_is_made_used_and_its_history_outlives_kills() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = ward(&NEW, folder);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let vkey = String::from_utf8(made.stdout).unwrap();
    assert!(vkey.starts_with("witness.example/w1+") && vkey.lines().count() == 1, "{vkey}");
    let mode = std::fs::metadata(folder.join("w.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = ward(&NEW, folder);
    assert_eq!(again.status.code(), Some(3), "a key is never made over another: {}", said(&again));

    let mut size = 0;
    for round in 1..=5 {
        let running = Running::start(folder);
        if round > 1 {
            assert_eq!(running.ask(&Log::of("b", size + 1), 0), (409, format!("{size}\n")));
            assert_eq!(running.ask(&Log::of("b", size), size).0, 422);
        }
        let (status, body) = running.ask(&Log::of("a", size + 10), size);
        assert_eq!(status, 200, "{body}");
        assert!(body.starts_with("\u{2014} witness.example/w1 "), "{body}");
        size += 10;
        // Dropped: killed without warning.
    }
    let mut running = Running::start(folder);
    let pid = nix::unistd::Pid::from_raw(running.child.id().try_into().unwrap());
    let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap();
    assert_eq!(running.child.wait().unwrap().code(), Some(0), "an orderly end");
}

#[test]
fn what_cannot_be_started_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(ward(&NEW, folder).status.code(), Some(0));
    let vkey = Log::new().vkey();
    let start = |listen: &str, log: &str| {
        ward(&["--key", "w.key", "--folder", "state", "--listen", listen, "--log", log], folder)
    };
    for (output, code, why) in [
        (start("0.0.0.0:0", &vkey), 3, "reverse proxy"),
        (start("localhost:0", &vkey), 3, "127.0.0.1:8080"),
        (start("127.0.0.1:0", "nonsense"), 3, "verifier key"),
        (ward(&["--key", "w.key", "--folder", "state", "--listen", "127.0.0.1:0"], folder), 3, "--log"),
        (ward(&["--folder", "state"], folder), 2, "--key"),
        (ward(&["--config", "none.toml"], folder), 3, "none.toml"),
        (ward(&["--config", "x", "--log", "y"], folder), 2, "--config"),
    ] {
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(why), "{}", said(&output));
    }
    std::fs::set_permissions(folder.join("w.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let open = start("127.0.0.1:0", &vkey);
    assert_eq!(open.status.code(), Some(3));
    assert!(said(&open).contains("chmod 600"), "{}", said(&open));
    std::fs::set_permissions(folder.join("w.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(folder.join("state/witness.state"), "").unwrap();
    assert!(said(&start("127.0.0.1:0", &vkey)).contains("is damaged"));
    std::fs::remove_file(folder.join("state/witness.state")).unwrap();
    assert!(said(&start("127.0.0.1:0", &vkey)).contains("is missing"));
}

#[test]
fn a_configuration_file_does_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(ward(&NEW, folder).status.code(), Some(0));
    let config = |listen: &str| {
        let key = Log::new().vkey();
        let text = format!(
            "folder = \"state\"\nkey = \"w.key\"\nlisten = \"{listen}\"\n\n[[log]]\nkeys = [\"{key}\"]\n"
        );
        std::fs::write(folder.join("witness.toml"), text).unwrap();
        ward(&["--config", "witness.toml"], folder)
    };
    let output = config("192.0.2.1:80");
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("witness.toml: listen:"), "{}", said(&output));
}
