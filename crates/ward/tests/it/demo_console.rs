//! `ward demo` as a newcomer meets it: one command, an address, a hospital, and nothing left behind.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Demo {
    process: Child,
    url: String,
}

impl Demo {
    /// With `folder` for what is temporary.
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ward"))
            .args(["demo", "--no-browser"])
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = process.stderr.take().unwrap();
        let mut lines = BufReader::new(said).lines();
        let line =
            lines.find_map(|line| line.ok().filter(|line| line.contains("http://127.0.0.1:"))).unwrap();
        // Whoever writes on must not meet a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let url = line.split("http://").nth(1).unwrap().split(' ').next().unwrap();
        Self { process, url: format!("http://{url}") }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .proxy(None)
            .build()
            .new_agent();
        let mut answer = agent.get(format!("{}{path}", self.url.trim_end_matches('/'))).call().unwrap();
        let mut body = String::new();
        answer.body_mut().as_reader().read_to_string(&mut body).unwrap();
        (answer.status().as_u16(), body)
    }

    fn stop(mut self) -> Option<i32> {
        let told = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_hospital_is_there_when_the_address_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    let (status, devices) = demo.get("/api/v1/devices?limit=1");
    assert!(status == 200 && devices.contains("\"total\":104"), "{status} {devices}");
    let (status, page) = demo.get("/");
    assert!(status == 200 && page.contains("St Brannoc"), "{status} {page}");
    assert!(page.contains("simulated"), "it does not say what is simulated");
}

#[test]
fn nothing_is_left_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "its store is elsewhere");
    assert_eq!(demo.stop(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its store is still there");
}
