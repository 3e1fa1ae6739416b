//! Asking a witness to cosign our checkpoint.
//!
//! It must not believe a witness more than its signature, nor explain away one that has seen another history: that is an
//! alarm. C2SP tlog-witness, add-checkpoint.

use std::fmt;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use trust::tlog::submit::{ANSWER_BYTES_MAX, request};
use trust::tlog::{Answer, Hash, Opened, Signature, VerifierKey, read_answer};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Times that one checkpoint is sent to one witness: once, once more from the size that it told, and once in case somebody else
/// asked in between.
const ATTEMPTS_MAX: u32 = 3;
/// Seconds for one request, from looking up the name to the end of the answer.
const REQUEST_S: u64 = 15;
/// Bytes of the largest file of certificate authorities that is read.
const CA_BYTES_MAX: u64 = 4 << 20;
/// Where systems keep the authorities that they trust.
const CA_FILES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A witness as the operator configured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessSettings {
    /// Submission prefix: `https://witness.example`, or plain `http` for one on this machine.
    pub url: String,
    /// Its verifier keys, `name+id+key`, of the type of cosigners (04).
    pub keys: Vec<String>,
    /// Certificate authorities (PEM) that vouch for it; the system's where this is not given.
    pub ca_file: Option<PathBuf>,
}

/// A witness that can be asked. It keeps its connection: ask again with the same one.
pub struct Witness {
    url: String,
    keys: Vec<VerifierKey>,
    agent: ureq::Agent,
}

/// Where consistency proofs come from: our own tree.
pub trait Proofs {
    /// The proof that the tree of `size` leaves grew from its first `old_size`, in the order of RFC 6962 §2.1.2. Asked for 0 <
    /// `old_size` < `size` only. Read-only. `Err` is a sentence on what is wrong with our store.
    fn consistency(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, String>;
}

/// What a witness gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Verified cosignatures: push them to the checkpoint's note.
    pub signatures: Vec<Signature>,
    /// The size that the witness had cosigned before.
    pub from_size: u64,
}

/// Why a witness did not cosign, by who has to act.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AskError {
    /// The configuration cannot be used. The operator's to fix.
    #[error("witness \"{url}\": {why}")]
    Settings {
        /// As configured.
        url: String,
        /// What is wrong, and the way out.
        why: String,
    },
    /// **Alarm.** The witness cosigned what our tree does not follow from: leaves were lost or changed here (a restored
    /// backup?), or somebody else signs with our key.
    #[error(
        "the witness {witness} has seen another history of this log than ours of {ours} leaves: {why}. Leaves were lost or changed \
         here, or somebody else signs with this log's key: keep this store as it is and run `ward ledger verify`"
    )]
    AnotherHistory {
        /// Which witness.
        witness: String,
        /// Leaves of our checkpoint.
        ours: u64,
        /// What the witness said.
        why: String,
    },
    /// It does not answer. Retryable.
    #[error("the witness {witness} cannot be reached: {why}")]
    Unreachable {
        /// Which witness.
        witness: String,
        /// The cause.
        why: String,
    },
    /// It has no time for us, or trouble of its own (429, 5xx). Retryable.
    #[error("the witness {witness} cannot answer now ({status}): {why}")]
    Later {
        /// Which witness.
        witness: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        why: String,
        /// Seconds after which it wants to be asked again.
        retry_after_s: Option<u64>,
    },
    /// It does not know our log (404). Its operator's to fix, with ours.
    #[error(
        "the witness {witness} does not know this log: give its operator the log's verifier key (`ward ledger show`): {why}"
    )]
    Unknown {
        /// Which witness.
        witness: String,
        /// What it said.
        why: String,
    },
    /// It does not accept our signature (403). Its operator's to fix, with ours.
    #[error(
        "the witness {witness} knows this log under another key: give its operator the log's verifier key (`ward ledger show`): {why}"
    )]
    Untrusted {
        /// Which witness.
        witness: String,
        /// What it said.
        why: String,
    },
    /// It answers what the protocol does not have, or signs with a key that we do not know. The operators' to settle.
    #[error(
        "the witness {witness} answered what cannot be used: {why}; is its URL right, and its verifier key?"
    )]
    Answer {
        /// Which witness.
        witness: String,
        /// What is wrong.
        why: String,
    },
    /// We could not prove what we claim: our store is damaged.
    #[error("no proof for the witness {witness} could be made: {why}")]
    Ours {
        /// Which witness.
        witness: String,
        /// What is wrong.
        why: String,
    },
}

impl AskError {
    /// Whether asking again later may succeed without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Later { .. })
    }

    /// Whether this must reach a person: somebody's history is not what it was.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Self::AnotherHistory { .. })
    }
}

impl Witness {
    /// Checks the configuration; asks nothing yet.
    ///
    /// # Errors
    /// [`AskError::Settings`].
    pub fn new(settings: &WitnessSettings) -> Result<Self, AskError> {
        let wrong = |why: String| AskError::Settings { url: settings.url.clone(), why };
        let url = settings.url.trim_end_matches('/').to_owned();
        let parse = |key: &String| VerifierKey::parse(key).map_err(|error| wrong(error.to_string()));
        let keys: Vec<VerifierKey> = settings.keys.iter().map(parse).collect::<Result<_, _>>()?;
        let cosigner = |key: &VerifierKey| key.algorithm() == trust::tlog::Algorithm::CosignatureV1;
        if keys.is_empty() || !keys.iter().all(cosigner) {
            return Err(wrong(
                "it needs the witness's verifier keys, of the type of cosigners (04)".to_owned(),
            ));
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(REQUEST_S)))
            .user_agent("ward");
        let config = match secure(&url).map_err(|why| wrong(why.to_owned()))? {
            false => config,
            true => config.tls_config(tls(settings.ca_file.as_deref()).map_err(wrong)?),
        };
        Ok(Self { url, keys, agent: config.build().new_agent() })
    }

    /// Its URL: what messages and metrics call it.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn post(&self, body: &str) -> Result<Reply, AskError> {
        let sent =
            self.agent.post(format!("{}/add-checkpoint", self.url)).content_type("text/plain").send(body);
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (content_type, retry_after) = (header("content-type"), header("retry-after"));
        let mut bytes = Vec::new();
        // One byte over the bound tells that there is more.
        let mut reader = response.body_mut().as_reader().take(ANSWER_BYTES_MAX as u64 + 1);
        reader.read_to_end(&mut bytes).map_err(|error| self.unreachable(&error))?;
        Ok(Reply {
            status: response.status().as_u16(),
            content_type,
            retry_after_s: retry_after.parse().ok(),
            body: bytes,
        })
    }

    fn unreachable(&self, error: &dyn fmt::Display) -> AskError {
        AskError::Unreachable { witness: self.url.clone(), why: error.to_string() }
    }
}

/// The keys are public; the agent has nothing to say.
impl fmt::Debug for Witness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Witness({})", self.url)
    }
}

struct Reply {
    status: u16,
    content_type: String,
    retry_after_s: Option<u64>,
    body: Vec<u8>,
}

/// Asks `witness` to cosign `ours`, a checkpoint signed by the log. `last_size` is what the witness is remembered to have cosigned
/// last (0 where nothing is): a good guess saves a round. Blocks for at most three requests.
///
/// # Errors
/// By cause; see [`AskError::is_retryable`] and, before all else, [`AskError::is_alarm`].
pub fn ask(
    witness: &Witness,
    ours: &Opened,
    last_size: u64,
    proofs: &dyn Proofs,
) -> Result<Cosigned, AskError> {
    let name = || witness.url.clone();
    let size = ours.checkpoint.size();
    let mut from_size = last_size.min(size);
    for _ in 0..ATTEMPTS_MAX {
        let proof = match from_size {
            from if from == 0 || from == size => Vec::new(),
            from => proofs.consistency(from, size).map_err(|why| AskError::Ours { witness: name(), why })?,
        };
        let ours_failed =
            |error: trust::tlog::Error| AskError::Ours { witness: name(), why: error.to_string() };
        let reply = witness.post(&request(from_size, &proof, &ours.note).map_err(ours_failed)?)?;
        let answer =
            read_answer(reply.status, &reply.content_type, &reply.body, &ours.checkpoint, &witness.keys)
                .map_err(|error| AskError::Answer { witness: name(), why: error.to_string() })?;
        match answer {
            Answer::Cosigned(signatures) => return Ok(Cosigned { signatures, from_size }),
            Answer::Latest { size: told } if told > size => {
                let why = format!("it cosigned {told} leaves");
                return Err(AskError::AnotherHistory { witness: name(), ours: size, why });
            }
            Answer::Latest { size: told } if told == from_size => {
                let why = format!("it refuses the size {told} and asks for it");
                return Err(AskError::Answer { witness: name(), why });
            }
            Answer::Latest { size: told } => from_size = told,
            Answer::Refused { status, why } => {
                return Err(refused(name(), size, status, why, reply.retry_after_s));
            }
        }
    }
    let why = "somebody else asks it for this log at the same time".to_owned();
    Err(AskError::Later { witness: name(), status: 409, why, retry_after_s: None })
}

fn refused(witness: String, ours: u64, status: u16, why: String, retry_after_s: Option<u64>) -> AskError {
    match status {
        403 => AskError::Untrusted { witness, why },
        404 => AskError::Unknown { witness, why },
        422 => AskError::AnotherHistory { witness, ours, why },
        408 | 429 | 500..=599 => AskError::Later { witness, status, why, retry_after_s },
        _ => AskError::Answer { witness, why: format!("status {status}: {why}") },
    }
}

/// Whether a URL is https; plain http is for this machine only.
fn secure(url: &str) -> Result<bool, &'static str> {
    let uri: ureq::http::Uri = url.parse().map_err(|_| "this is not a URL")?;
    let authority = uri.authority().ok_or("this is not a URL")?;
    if uri.query().is_some() || authority.as_str().contains('@') {
        return Err("a submission prefix has neither query nor user");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(true),
        Some("http") if local => Ok(false),
        Some("http") => Err("plain http is for a witness on this machine only: use https"),
        _ => Err("a witness is asked over https"),
    }
}

/// TLS 1.3 with a post-quantum key exchange preferred, by aws-lc-rs, trusting `ca_file` alone.
fn tls(ca_file: Option<&Path>) -> Result<TlsConfig, String> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| suite.tls13().is_some());
    let certificates = authorities(ca_file)?;
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(provider))
        .root_certs(RootCerts::new_with_certs(&certificates))
        .build())
}

fn authorities(ca_file: Option<&Path>) -> Result<Vec<Certificate<'static>>, String> {
    let usual = || CA_FILES.iter().map(Path::new).find(|file| file.exists());
    let path = ca_file.or_else(usual).ok_or("this system has no file of authorities: set ca_file")?;
    let wrong = |why: &dyn fmt::Display| format!("{}: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|error| wrong(&error))?;
    let mut pem = Vec::new();
    file.take(CA_BYTES_MAX).read_to_end(&mut pem).map_err(|error| wrong(&error))?;
    let items = parse_pem(&pem).collect::<Result<Vec<_>, _>>().map_err(|error| wrong(&error))?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { Err(wrong(&"it has no certificate")) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for (url, answer) in [
            ("https://witness.example/w", Ok(true)),
            ("http://127.0.0.1:80", Ok(false)),
            ("http://[::1]:80/w", Ok(false)),
            ("http://localhost:8080", Ok(false)),
        ] {
            assert_eq!(secure(url), answer, "{url}");
        }
        for url in [
            "http://witness.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://127.0.0.1@evil.example/",
            "https://user@witness.example",
            "https://witness.example/?a",
            "ftp://witness.example",
            "witness.example",
            "",
        ] {
            assert!(secure(url).is_err(), "{url}");
        }
    }
}
