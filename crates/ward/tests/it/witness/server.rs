//! A witness on loopback for one test.

use super::log::Log;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use trust::tlog::{KnownLog, VerifierKey};
use ward::witness::{Desk, Rates, State, Witness, WitnessError, WitnessSettings, create_key, load_key};
use zeroize::Zeroizing;

/// Rates that no test reaches unless it wants to.
pub const PLENTY: Rates = Rates { requests_per_second: 1_000_000, cosignatures_per_minute: 1_000_000 };

/// A folder with a key and an empty state.
pub fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("witness.key");
    let key = create_key(&path, "witness.example/w1", &Zeroizing::new([5; 32])).unwrap();
    State::create(home.path(), &key).unwrap();
    home
}

/// A witness on what is in a folder; its clock starts at 1,800,000,000 and moves on by one with every look.
pub fn desk(home: &Path, logs: Vec<KnownLog>, rates: Rates) -> Result<Desk, WitnessError> {
    let seconds = AtomicU64::new(1_800_000_000);
    let clock = move || seconds.fetch_add(1, Ordering::Relaxed);
    Desk::open(home, load_key(&home.join("witness.key"))?, logs, rates, Box::new(clock))
}

pub struct Server {
    pub url: String,
    pub key: VerifierKey,
    pub desk: Arc<Desk>,
    runtime: Option<Runtime>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    pub retry_after: String,
    pub body: String,
}

impl Server {
    /// For the log of [`Log::new`].
    pub fn start(home: &Path) -> Self {
        Self::with(home, vec![Log::new().known()], PLENTY)
    }

    pub fn with(home: &Path, logs: Vec<KnownLog>, rates: Rates) -> Self {
        use trust::tlog::NoteSigner as _;
        let desk = Arc::new(desk(home, logs, rates).unwrap());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let routes = serve::witness::routes(desk.clone());
        let address = "127.0.0.1:0".parse().unwrap();
        let listening = runtime.block_on(serve::listen(&address, routes, std::future::pending())).unwrap();
        let url = format!("http://{}", listening.address());
        let key = load_key(&home.join("witness.key")).unwrap().key().clone();
        Self { url, key, desk, runtime: Some(runtime) }
    }

    pub fn post(&self, body: &[u8]) -> Reply {
        post(&agent(), &self.url, body)
    }

    pub fn get(&self, path: &str) -> Reply {
        reply(agent().get(format!("{}{path}", self.url)).call().unwrap())
    }

    /// Our client's idea of this witness.
    pub fn witness(&self) -> Witness {
        witness(&self.url, &[self.key.to_string()])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(10));
        }
    }
}

pub fn witness(url: &str, keys: &[String]) -> Witness {
    Witness::new(&WitnessSettings { url: url.to_owned(), keys: keys.to_vec(), ca_file: None }).unwrap()
}

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent()
}

pub fn post(agent: &ureq::Agent, url: &str, body: &[u8]) -> Reply {
    reply(agent.post(format!("{url}/add-checkpoint")).send(body).unwrap())
}

fn reply(mut response: ureq::http::Response<ureq::Body>) -> Reply {
    let header =
        |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (content_type, retry_after) = (header("content-type"), header("retry-after"));
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_string().unwrap();
    Reply { status, content_type, retry_after, body }
}
