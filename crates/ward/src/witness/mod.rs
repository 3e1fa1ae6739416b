//! Witnessing, both sides: a witness for other sites' logs (`ward witness`), and asking others to cosign ours.
//!
//! It must not judge: `trust::tlog` does. Here are the disk, the clock and the wire. C2SP tlog-witness, tlog-cosignature.

mod ask;
mod desk;
mod error;
mod evidence;
mod key;
mod rate;
mod settings;
mod state;

pub use ask::{AskError, Cosigned, Proofs, Witness, WitnessSettings, ask};
pub use desk::Desk;
pub use error::WitnessError;
pub use key::{create as create_key, load as load_key};
pub use rate::{COSIGNATURES_PER_MINUTE, REQUESTS_PER_SECOND, Rates};
pub use settings::Settings;
#[doc(hidden)]
pub use state::Fault;
pub use state::{STATE_FILE, State};
