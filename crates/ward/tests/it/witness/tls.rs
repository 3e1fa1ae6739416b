//! Our client over TLS: to a proxy of OpenSSL's in front of our witness, as an operator would set one up.

use super::log::Log;
use super::server::{Server, home};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use ward::witness::{AskError, Witness, WitnessSettings, ask};

/// Says that a test cannot run here; under WARD_TEST_STRICT=1 that is a failure.
pub fn skipped(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
    assert!(std::env::var_os("WARD_TEST_STRICT").is_none_or(|strict| strict != "1"), "{test}: {why}");
}

/// A proxy that ends TLS: Python's ssl module (OpenSSL).
const PROXY: &str = r#"
import socket, ssl, sys, threading
folder, upstream, newest = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
if newest == "1.2":
    context.maximum_version = ssl.TLSVersion.TLSv1_2
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        try: sink.shutdown(socket.SHUT_WR)
        except OSError: pass
def serve(plain):
    try:
        secure = context.wrap_socket(plain, server_side=True)
    except (OSError, ssl.SSLError):
        return
    back = socket.create_connection(("127.0.0.1", upstream))
    threading.Thread(target=pump, args=(secure, back), daemon=True).start()
    pump(back, secure)
while True:
    plain, _ = listener.accept()
    threading.Thread(target=serve, args=(plain,), daemon=True).start()
"#;

struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    fn start(folder: &Path, server: &Server, newest: &str) -> Option<Self> {
        let upstream = server.url.rsplit_once(':').unwrap().1;
        let mut python = Command::new("python3");
        python.args(["-c", PROXY]).arg(folder).args([upstream, newest]);
        let mut child = python.stdout(Stdio::piped()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Some(Self { child, port: line.trim().parse().unwrap() })
    }

    fn witness(&self, server: &Server, host: &str, ca: &Path) -> Witness {
        let url = format!("https://{host}:{}", self.port);
        Witness::new(&WitnessSettings { url, keys: vec![server.key.to_string()], ca_file: Some(ca.into()) })
            .unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) -> bool {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args(arguments.split(' ')).stderr(Stdio::null()).stdout(Stdio::null());
    openssl.status().is_ok_and(|status| status.success())
}

/// An authority, a certificate of it for localhost, and another authority.
fn certificates(folder: &Path) -> bool {
    std::fs::write(folder.join("san"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    [
        format!("req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=authority"),
        format!("req -x509 {key} -keyout other.key -out other.pem -days 30 -subj /CN=another"),
        format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile san -out server.pem".to_owned(),
    ]
    .iter()
    .all(|arguments| openssl(folder, arguments))
}

#[test]
fn over_tls_by_the_configured_authority_only() {
    const TEST: &str = "asking over TLS";
    let home = home();
    let folder = home.path();
    if !certificates(folder) {
        return skipped(TEST, "openssl makes no certificates");
    }
    let server = Server::start(folder);
    let (Some(proxy), Some(old)) =
        (Proxy::start(folder, &server, "1.3"), Proxy::start(folder, &server, "1.2"))
    else {
        return skipped(TEST, "no python3");
    };
    let log = Log::of("a", 12);
    let ask = |witness: &Witness| ask(witness, &log.checkpoint(), 0, &log);
    let (ca, other) = (folder.join("ca.pem"), folder.join("other.pem"));
    assert_eq!(ask(&proxy.witness(&server, "localhost", &ca)).unwrap().signatures.len(), 1);
    // Not by another authority, not under another name, not by an older protocol.
    for (witness, why) in [
        (proxy.witness(&server, "localhost", &other), "certificate"),
        (proxy.witness(&server, "127.0.0.1", &ca), "certificate"),
        (old.witness(&server, "localhost", &ca), ""),
    ] {
        let error = ask(&witness).unwrap_err();
        assert!(matches!(error, AskError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}
