//! `ward doctor`: looks at everything a run needs, before it is needed. Changes nothing but for a file that it writes and removes to
//! measure the disk. Three answers and a warning: fine, wrong, could not check (why).

mod folder;
mod keys;
mod system;

use crate::config::Config;
use model::Timestamp;
use serde::Serialize;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Fine.
    Ok,
    /// It will run, but somebody should look.
    Warning,
    /// It will not run, or not safely.
    Failed,
    /// Nobody knows.
    CouldNotCheck,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, such as `store folder`.
    pub name: &'static str,
    /// Which of them, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// What was found.
    pub answer: Answer,
    /// In words.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_out: Option<String>,
}

impl Check {
    fn new(name: &'static str, answer: Answer, detail: impl Into<String>) -> Self {
        Self { name, of: None, answer, detail: detail.into(), way_out: None }
    }

    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Answer::Ok, detail)
    }

    fn warning(name: &'static str, detail: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { way_out: Some(way_out.into()), ..Self::new(name, Answer::Warning, detail) }
    }

    fn failed(name: &'static str, detail: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { way_out: Some(way_out.into()), ..Self::new(name, Answer::Failed, detail) }
    }

    fn unknown(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Answer::CouldNotCheck, why)
    }

    fn of(self, which: impl Into<String>) -> Self {
        Self { of: Some(which.into()), ..self }
    }
}

/// Opens the keyring and says where the store is: what `ward up` does, without making anything that is not there. An error is
/// the sentence to show.
pub type OpenKeyring<'a> = &'a dyn Fn(&Config) -> Result<store::Place, String>;

/// How to look.
pub struct Options<'a> {
    /// Ask witnesses over the network as well.
    pub online: bool,
    /// The clock.
    pub now: Timestamp,
    /// How the keyring is opened.
    pub open_keyring: Option<OpenKeyring<'a>>,
}

/// Looks at everything, in the order in which a start needs it.
pub fn examine(config: &Config, options: &Options<'_>) -> Vec<Check> {
    let mut checks = vec![configuration(config)];
    checks.extend(folder::examine(config, options.now));
    checks.extend(keys::kek(&config.keys));
    let (store, is_running) = keys::store(config, options.open_keyring);
    checks.extend(store);
    checks.extend(system::clock(config, options.now));
    config.listen.iter().for_each(|listen| checks.push(system::interface(listen, is_running)));
    config.watch.iter().for_each(|watch| checks.push(system::watched(&watch.folder)));
    checks.push(system::port(config.http.address, is_running));
    let witnesses = &config.ledger.witnesses;
    witnesses.iter().for_each(|witness| checks.push(system::witness(witness, options.online)));
    checks
}

fn configuration(config: &Config) -> Check {
    let remarks = crate::config::remarks(config);
    if remarks.is_empty() {
        Check::ok("configuration", "every value is known and allowed")
    } else {
        Check::warning(
            "configuration",
            remarks.join("; "),
            "`ward config check` shows every value and its origin",
        )
    }
}
