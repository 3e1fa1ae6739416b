//! The program as people and scripts meet it: exit codes, what goes to which stream, hostile input, signals.

use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support;

mod hostile;
mod redaction;
mod signals;

/// A folder of its own for a test, removed when it passes.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ward-cli-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ward"));
    command.stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
    command
}

/// Runs `ward scan` with `arguments`.
pub fn scan<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    command().arg("scan").args(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The one document on standard output.
pub fn document(output: &Output) -> Value {
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)));
    let schema = std::fs::read_to_string(support::root().join("docs/scan.schema.json")).unwrap();
    let schema = serde_json::from_str(&schema).unwrap();
    assert_eq!(testkit::schema::violations(&schema, &document), [] as [String; 0]);
    document
}

/// The capture of a scenario.
pub fn scenario(name: &str) -> PathBuf {
    support::root().join("scenarios").join(name).join("input.pcap")
}

/// The captures of all scenarios.
pub fn scenarios() -> Vec<PathBuf> {
    support::captures_below(&support::root().join("scenarios"))
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn a_whole_file_is_done() {
    let output = scan(&[scenario("dicom-store")]);
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output.stdout);
    for part in ["DEVICES", "US-CART-07", "FINDINGS", "phi-in-clear", "TOP TALKS", "WHAT THIS RESTS ON"] {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    assert_eq!(text(&output.stderr), "", "no progress line where nobody watches");
}

#[test]
fn a_truncated_file_is_partly_read() {
    let folder = Folder::new("truncated");
    let whole = bytes(&scenario("dicom-store"));
    let cut = folder.write("cut.pcap", &whole[..whole.len() - 7]);
    let output = scan(&[&cut]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("file ends inside a record"), "{}", text(&output.stdout));
    let output = scan(&[&cut, Path::new("--json")]);
    assert_eq!(output.status.code(), Some(1));
    let document = document(&output);
    assert_eq!(document["capture"]["complete"], false);
    assert_eq!(document["capture"]["sources"][0]["complete"], false);
    assert!(!document["devices"].as_array().unwrap().is_empty(), "what was before the damage is told");
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let file = scenario("arp-request-and-reply");
    let file = file.to_str().unwrap();
    for arguments in [
        &["scan", "--no-such-flag", file][..],
        &["scan"],
        &["scan", file, "--interface", "lo"],
        &["scan", file, "--for", "10m"],
        &["scan", file, "--redact-key", "key"],
        &["scan", file, "--site-net", "10.0.0.0/40"],
        &["scan", "-i", "lo", "--for", "soon"],
        &["scan", file, "--threads", "many"],
        &["no-such-verb"],
        &[],
    ] {
        let output = command().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["scan", "--help"], &["demo", "--help"], &["--version"]] {
        let output = command().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn nothing_to_read_is_said_in_one_line() {
    let folder = Folder::new("nothing");
    let inputs = [
        (folder.path("missing.pcap"), "no such file"),
        (folder.path(""), "is a directory"),
        (folder.write("notes.txt", b"The capture is on the other laptop.\nAsk Sam.\n"), "not a capture"),
        (folder.write("empty.pcap", b""), "is empty"),
        (folder.write("header.pcap", &bytes(&scenario("dicom-store"))[..11]), "ends inside its header"),
    ];
    for (path, what) in inputs {
        for json in [None, Some("--json")] {
            let mut command = command();
            let output = command.arg("scan").arg(&path).args(json).output().unwrap();
            assert_eq!(output.status.code(), Some(3), "{what}");
            assert_eq!(text(&output.stdout), "", "{what}: no half document");
            let told = text(&output.stderr);
            assert_eq!(told.lines().count(), 1, "{told}");
            let name = path.display().to_string();
            assert!(told.starts_with(&format!("ward: {name}: ")) && told.contains(what), "{told}");
            assert!(told.contains("; ") || told.contains(": copy"), "no way out: {told}");
        }
    }
}

#[test]
fn a_second_file_that_is_missing_is_told_and_the_first_reported() {
    let folder = Folder::new("second");
    let missing = folder.path("day2.pcap");
    let output = scan(&[scenario("dicom-store"), missing.clone(), PathBuf::from("--json")]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.lines().count() == 1 && told.contains("day2.pcap: no such file"), "{told}");
    let document = document(&output);
    assert_eq!(document["capture"]["complete"], false, "a file that was asked for was not read");
    let sources = document["capture"]["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 2);
    assert_eq!(sources[1]["name"], "day2.pcap");
    assert_eq!(sources[1]["complete"], false);
    assert_eq!(sources[1]["notes"][0], "no such file; check the path");
    // The order does not matter, and two that are missing are nothing at all.
    let output = scan(&[missing.clone(), scenario("dicom-store")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("day2.pcap: no such file"), "{}", text(&output.stdout));
    let output = scan(&[missing.clone(), missing]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stderr).lines().count(), 2);
}

/// Everything but the name of the source.
fn without_names(mut document: Value) -> Value {
    for source in document["capture"]["sources"].as_array_mut().unwrap() {
        source["name"].take();
    }
    document
}

#[test]
fn pipes_gzip_and_zstd_tell_the_same() {
    let folder = Folder::new("packed");
    let plain = bytes(&scenario("smb-ntlm-login"));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(&plain[..], ruzstd::encoding::CompressionLevel::Fastest);
    let expected = without_names(document(&scan(&[scenario("smb-ntlm-login"), PathBuf::from("--json")])));
    for (name, packed) in [("a.pcap.gz", &gzip), ("a.pcap.zst", &zstd), ("a", &plain)] {
        let path = folder.write(name, packed);
        let output = scan(&[path, PathBuf::from("--json")]);
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(without_names(document(&output)) == expected, "{name}");
        let mut child = command()
            .args(["scan", "-", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let packed = packed.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&packed));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name} piped");
        let document = document(&output);
        assert_eq!(document["capture"]["sources"][0]["name"], "standard input");
        assert!(without_names(document) == expected, "{name} piped");
    }
}

#[test]
fn a_gate_closes_on_findings_alone() {
    let (found, clean) = (scenario("http-basic-auth"), scenario("arp-request-and-reply"));
    for (file, gated, ungated) in [(found, 1, 0), (clean, 0, 0)] {
        let with = scan(&[&file, Path::new("--gate")]);
        let without = scan(&[&file]);
        assert_eq!(
            (with.status.code(), without.status.code()),
            (Some(gated), Some(ungated)),
            "{}",
            file.display()
        );
        assert_eq!(text(&with.stdout), text(&without.stdout));
        assert_eq!(text(&without.stdout).contains("FINDINGS"), gated == 1);
    }
}

#[test]
fn threads_do_not_change_the_answer() {
    let mut captures = scenarios();
    captures.truncate(24);
    let mut reports = ["1", "4", "4", "7"].map(|threads| {
        let output =
            command().args(["scan", "--json", "--threads", threads]).args(&captures).output().unwrap();
        let code = output.status.code();
        assert!(code == Some(0) || code == Some(1), "{code:?}");
        output.stdout
    });
    assert!(reports[0].len() > 50_000, "a report worth comparing");
    reports.rotate_left(1);
    for report in &reports[..3] {
        assert!(*report == reports[3], "reports differ by the number of threads");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    for extra in [&["--json"][..], &["--width", "200"]] {
        let mut child = command()
            .arg("scan")
            .args(scenarios())
            .args(extra)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 16];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        let code = output.status.code();
        assert!(code == Some(0) || code == Some(1), "{code:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "");
    }
}

/// The page loads nothing and runs nothing.
#[test]
fn a_page_stands_alone() {
    let folder = Folder::new("page");
    let page = folder.path("report.html");
    let mut arguments = scenarios();
    arguments.extend(["--html".into(), page.clone()]);
    let output = scan(&arguments);
    assert!(output.status.code() < Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("DEVICES"), "the table comes as well");
    let page = std::fs::read_to_string(page).unwrap();
    assert_stands_alone(&page);
    for part in ["<!DOCTYPE html>", "Content-Security-Policy", "US-CART-07", "What this rests on", "</html>"]
    {
        assert!(page.contains(part), "{part}");
    }
    let output = scan(&[scenario("dicom-store"), "--html".into(), folder.path("no/such/folder.html")]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("folder.html"), "{}", text(&output.stderr));
}

/// No script, no handler, no reference to anything outside of the page.
pub fn assert_stands_alone(page: &str) {
    let folded = page.to_lowercase();
    for forbidden in [
        "<script",
        "<iframe",
        "<img",
        "<link",
        "<object",
        "<embed",
        "<base",
        "javascript:",
        "@import",
        "url(",
    ] {
        assert!(!folded.contains(forbidden), "{forbidden} in the page");
    }
    for tag in folded.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag)) {
        for attribute in ["src=\"", "href=\"", "action=\"", "xlink:href=\"", "srcset=\""] {
            if let Some((_, value)) = tag.split_once(attribute) {
                assert!(attribute == "href=\"" && value.starts_with('#'), "<{tag}>");
            }
        }
        assert!(!tag.contains(" on"), "<{tag}> may have a handler");
    }
    assert!(folded.contains("default-src 'none'"));
}

#[test]
fn samples_are_written_and_can_be_scanned() {
    let folder = Folder::new("samples");
    let samples = folder.path("new/samples");
    let output = command().args(["demo", "--samples"]).arg(&samples).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    let written: Vec<&str> = told.lines().take_while(|line| !line.is_empty()).collect();
    assert!(written.len() >= 2, "{told}");
    for path in &written {
        assert!(std::fs::metadata(path).unwrap().len() > 100, "{path}");
    }
    let capture = written.iter().find(|path| path.contains(".pcap")).unwrap();
    assert!(told.contains(&format!("ward scan {capture}")), "{told}");
    let mut scanned = document(&scan(&[capture, "--json"]));
    let mut demo = document(&command().args(["demo", "--json"]).output().unwrap());
    assert!(scanned["devices"].as_array().unwrap().len() > 50);
    for document in [&mut scanned, &mut demo] {
        document["capture"]["sources"][0]["name"].take();
    }
    assert!(scanned == demo, "the demo is a scan of the sample");
    let taken = folder.write("taken", b"");
    let output = command().args(["demo", "--samples"]).arg(taken.join("below")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
}

#[test]
fn no_line_is_wider_than_asked() {
    use unicode_width::UnicodeWidthStr as _;
    for width in [60_u16, 80, 100, 119, 120, 200, 240] {
        for path in scenarios() {
            let read = support::read(ward::capture::open_file(&path).unwrap().as_mut());
            let document = support::document(&"a-capture-with-a-long-name-".repeat(6), &read);
            let mut table = Vec::new();
            ward::report::print(&document, width, &mut table).unwrap();
            for line in text(&table).lines() {
                assert!(line.width() <= usize::from(width), "{}, {width} columns:\n{line}", path.display());
            }
        }
    }
    // And through the program, where the width is an argument.
    for width in ["80", "200"] {
        let mut arguments = scenarios();
        arguments.extend(["--width".into(), width.into()]);
        let table = text(&scan(&arguments).stdout);
        let widest = table.lines().map(|line| line.width()).max().unwrap();
        assert!(widest <= width.parse().unwrap(), "{widest} of {width}");
        assert!(widest > width.parse::<usize>().unwrap() / 2, "the width is used: {widest} of {width}");
    }
}
