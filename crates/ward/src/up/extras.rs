//! What a demo adds to the platform: records that are at hand already, and a sentence on every page that says what they are.

use super::outlet;
use crate::bus::local::Local;
use crate::core::run::Handle;
use crate::source::given::Given;
use serve::House;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

/// Nothing, for a hospital.
#[derive(Default)]
pub struct Extras {
    /// Records at hand, handed over in this order.
    pub given: Vec<Given>,
    /// What every page says.
    pub notice: Option<String>,
    /// Rows of views written a second; `None`: as usual.
    pub view_rows_per_s: Option<f64>,
}

/// A platform that runs.
pub struct Running<'a> {
    /// What people are told.
    pub greeting: &'a str,
    /// Where the pages are.
    pub url: Option<&'a str>,
    /// What pages see.
    pub house: &'a House,
    /// The one writer.
    pub core: &'a Handle,
}

/// Hands over what is given, on a thread of its own.
pub(super) fn hand_over(
    extras: Extras,
    bus: &Arc<Local>,
    core: &Handle,
    stop: &Arc<AtomicBool>,
) -> Option<JoinHandle<()>> {
    if extras.given.is_empty() {
        return None;
    }
    let outlet = outlet(bus, core, stop);
    let run = move || extras.given.into_iter().for_each(|given| given.run(&outlet));
    let thread = std::thread::Builder::new().name("given".into()).spawn(run);
    thread.inspect_err(|error| tracing::error!(error = %error, "no thread for what is given")).ok()
}
