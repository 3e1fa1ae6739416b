//! `ward witness`: cosigns other sites' checkpoints, and never two histories of one log.

use super::DONE;
use crate::witness::{Desk, Rates, Settings, State, create_key, load_key};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use serve::Address;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

/// Be a witness for other sites' ledgers: cosign their checkpoints where each follows from the last (C2SP tlog-witness).
///
/// Make a key first, give the verifier key that is printed to the logs' operators, and take theirs. Listens on loopback or a
/// Unix socket; others reach it through a reverse proxy with TLS (docs/operate/witness.md).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ward witness --new-key --name witness.example/w1 --key witness.key --folder state\n  ward witness --config witness.toml\n  ward witness --key witness.key --folder state --log 'ward.example/st-brannoc+1f2e3d4c+AQ…' --listen 127.0.0.1:8088"
)]
pub(super) struct Witness {
    /// Everything from this file (TOML; docs/operate/witness.md).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["folder", "key", "log", "listen", "new_key", "name"])]
    config: Option<PathBuf>,
    /// Folder of the witness's state.
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    folder: Option<PathBuf>,
    /// File of the private key, readable by its owner only.
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    key: Option<PathBuf>,
    /// Verifier key of a log to cosign for, name+id+key. Repeat for more.
    #[arg(long, value_name = "VKEY", conflicts_with = "new_key")]
    log: Vec<String>,
    /// Where to listen: a loopback address and port, or unix:/path.
    #[arg(long, value_name = "ADDR", required_unless_present_any = ["config", "new_key"])]
    listen: Option<String>,
    /// Make a key and an empty state, print the verifier key, and end.
    #[arg(long, requires = "name")]
    new_key: bool,
    /// The new key's name: a URL without its scheme, such as witness.example/w1.
    #[arg(long, value_name = "NAME", requires = "new_key")]
    name: Option<String>,
}

impl Witness {
    pub(super) fn run(self) -> Result<u8> {
        if self.new_key { self.make_key() } else { serve(self.settings()?) }
    }

    #[expect(clippy::print_stdout, reason = "the verifier key is the outcome")]
    fn make_key(self) -> Result<u8> {
        let (Some(folder), Some(path), Some(name)) = (self.folder, self.key, self.name) else {
            bail!("--new-key needs --name, --key and --folder");
        };
        if folder.join(crate::witness::STATE_FILE).exists() {
            bail!("{}: a witness was here already: a new key needs a new folder", folder.display());
        }
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).context("no entropy from the system")?;
        let key = create_key(&path, &name, &seed)?;
        State::create(&folder, &key)?;
        println!("{key}");
        Ok(DONE)
    }

    fn settings(self) -> Result<Settings> {
        if let Some(config) = self.config {
            return Ok(Settings::read(&config)?);
        }
        let (Some(folder), Some(key), Some(listen)) = (self.folder, self.key, self.listen) else {
            bail!("--folder, --key and --listen are needed, or --config");
        };
        let logs = self.log.iter().map(|key| Settings::log(key)).collect::<Result<_, _>>()?;
        Ok(Settings { folder, key, listen: listen.parse::<Address>()?, logs, rates: Rates::default() })
    }
}

#[expect(clippy::print_stdout, reason = "who started it wants to know where it listens")]
fn serve(settings: Settings) -> Result<u8> {
    if settings.logs.is_empty() {
        bail!("this witness knows no log: add --log VKEY, or [[log]] to its configuration");
    }
    let signer = load_key(&settings.key)?;
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let logs = settings.logs.len();
    let desk = Desk::open(&settings.folder, signer, settings.logs, settings.rates, Box::new(clock))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let told = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        let router = serve::witness::routes(Arc::new(desk));
        let listening = serve::listen(&settings.listen, router, told).await?;
        println!("witness for {logs} logs, listening on {}", listening.address());
        listening.finished().await;
        anyhow::Ok(DONE)
    })
}
