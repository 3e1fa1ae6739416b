//! Acts of people, as they ask for them: decisions about devices, and changes of the retention policy. The same whether they come
//! through the control socket or straight from the command line; each goes the one write path, under the name of who asked.

use crate::core::Core;
use anyhow::{Result, bail};
use judge::site::Decision;
use model::{DeviceId, SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::retention::Amendment;

/// Bytes of the longest name of somebody.
const ACTOR_BYTES_MAX: usize = 64;
/// Names of the operating system's users begin so in the ledger.
const OS: &str = "os:";
/// So begin those of whoever sits at a listener of this machine, which lets nobody else in.
const LOCAL: &str = "local:";

/// An act and who asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked<T> {
    /// `os:NAME`, or `local:NAME`.
    pub by: String,
    /// What for.
    pub ask: T,
}

/// A word about devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Decide {
    /// Two devices are one.
    Merge {
        /// One.
        a: DeviceId,
        /// The other.
        b: DeviceId,
        /// Why.
        reason: String,
    },
    /// An endpoint is not the device's.
    Split {
        /// The device.
        device: DeviceId,
        /// An address, or `domain|address`.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// A decision no longer holds.
    Revert {
        /// Its number.
        decision: i64,
    },
}

impl<T> Asked<T> {
    /// By the user whom this process runs as.
    pub fn by_os_user(ask: T) -> Self {
        let uid = nix::unistd::getuid();
        let name = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
        let by = name.map(|name| format!("{OS}{name}")).filter(|by| is_actor(by));
        Self { by: by.unwrap_or_else(|| format!("{OS}{}", uid.as_raw())), ask }
    }

    fn actor(&self) -> Result<&str> {
        if is_actor(&self.by) {
            return Ok(&self.by);
        }
        bail!("\"by\" is {OS} (or {LOCAL}) and the name of a user, of at most {ACTOR_BYTES_MAX} bytes");
    }
}

/// Leaves are public and read by people: nothing but a plain name goes there.
fn is_actor(by: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.@$\\+".contains(c);
    by.len() <= ACTOR_BYTES_MAX
        && [OS, LOCAL]
            .iter()
            .find_map(|prefix| by.strip_prefix(prefix))
            .is_some_and(|name| !name.is_empty() && name.chars().all(is_plain))
}

impl Asked<Decide> {
    /// Does it: `{"decision": number, "heeded": …, "unheeded": […]}`.
    ///
    /// # Errors
    /// A sentence with the way out; nothing was written where it says that something asked for cannot be.
    pub fn carry_out(&self, core: &mut Core, now: Timestamp) -> Result<Value> {
        let by = self.actor()?;
        let decided = match &self.ask {
            Decide::Merge { a, b, reason } => {
                core.decide(Decision::Merge { a: *a, b: *b }, reason, by, now)?
            }
            Decide::Split { device, endpoint, reason } => {
                let subject = core.endpoint_of(*device, endpoint)?;
                core.decide(Decision::Split { device: *device, subject }, reason, by, now)?
            }
            Decide::Revert { decision } => core.revert(*decision, by, now)?,
        };
        Ok(serde_json::to_value(decided)?)
    }
}

impl Asked<Amendment> {
    /// Does it: `{"changed": …}`.
    ///
    /// # Errors
    /// As for decisions.
    pub fn carry_out(&self, core: &mut Core, site: SiteId, now: Timestamp) -> Result<Value> {
        let by = self.actor()?;
        let Some(tx) = self.ask.plan(core.store(), site, by, now)? else {
            return Ok(json!({ "changed": false }));
        };
        core.commit(tx, now)?;
        Ok(json!({ "changed": true }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_a_plain_name() {
        for by in [
            "os:ward",
            "local:console",
            "os:root",
            "os:1000",
            "os:ana.müller@clinic.example",
            "os:CLINIC\\ana",
        ] {
            assert!(is_actor(by), "{by}");
        }
        for by in ["", "os:", "ward", "os:a b", "os:a\nb", &format!("os:{}", "a".repeat(62))] {
            assert!(!is_actor(by), "{by:?}");
        }
        let asked = Asked::by_os_user(Decide::Revert { decision: 1 });
        assert!(is_actor(&asked.by), "{}", asked.by);
        let text = serde_json::to_string(&asked).unwrap();
        assert_eq!(serde_json::from_str::<Asked<Decide>>(&text).unwrap(), asked);
    }
}
