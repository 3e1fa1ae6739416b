//! What people do to one device: tags, its review, and decisions that it is one with another or has an address too many.
//!
//! The same for the page and for the API. Each is one transaction of whoever asks, and each can be taken back.

use crate::control::Act;
use crate::error::ServeError;
use crate::house::{Concerns, House, LOCAL, Planned};
use model::{DeviceId, TAGS_MAX, Tag};
use serde_json::{Value, json};
use std::sync::Arc;
use store::word::{self, ACCEPTED, REVIEW, TAG, Word};
use store::{Store, StoreError, Tx, device_facts};

/// A word of a person about one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It has this tag.
    Tagged(Tag),
    /// It has this tag no longer.
    Untagged(String),
    /// Somebody looked at it and accepts what it is.
    Accepted,
    /// Somebody has to look at it again.
    NotAccepted,
}

/// Writes what was said. `false`: it was so already, and nothing was written.
///
/// # Errors
/// [`ServeError::Asked`] with the way out; and as the store.
pub(crate) async fn say(house: &House, device: DeviceId, said: Said) -> crate::Result<bool> {
    let site = house.site.id;
    let in_memory = house.inventory.get(device).is_some();
    house
        .write(move |store, now| {
            let row = device_facts::row(store.db(), site, device, model::Timestamp::MAX)?;
            match row.map(|row| row.merged_into) {
                Some(Some(other)) => {
                    let why = format!("device {device} turned out to be {other}: say it of that one");
                    return Err(StoreError::Refused(why));
                }
                None if !in_memory => {
                    return Err(StoreError::Refused(format!("there is no device {device}")));
                }
                _ => {}
            }
            let mut tx = Tx::new(site, LOCAL, said.cause(), now);
            let known = word::current(store.db(), site, device)?;
            let changes = said.plan(&mut tx, store, (device, &known), now)?;
            let concerns = Concerns::Devices(vec![device]);
            Ok(Planned { tx: Some(tx).filter(|_| changes), concerns, answer: changes })
        })
        .await
}

impl Said {
    fn cause(&self) -> &'static str {
        match self {
            Self::Tagged(_) => "a device is tagged",
            Self::Untagged(_) => "a tag is taken off a device",
            Self::Accepted => "a device is reviewed and accepted",
            Self::NotAccepted => "a device is to be reviewed again",
        }
    }

    /// Puts it into the transaction; `false`: it is so already.
    fn plan(
        &self,
        tx: &mut Tx,
        store: &mut Store,
        (device, known): (DeviceId, &[Word]),
        now: model::Timestamp,
    ) -> Result<bool, StoreError> {
        let of = |attribute: &'static str| known.iter().filter(move |word| word.attribute == attribute);
        let mut changes = false;
        match self {
            Self::Tagged(tag) => {
                if of(TAG).any(|word| word.value == tag.as_str()) {
                    return Ok(false);
                }
                if of(TAG).count() >= TAGS_MAX {
                    return Err(StoreError::Refused(format!(
                        "a device has at most {TAGS_MAX} tags: take one off first"
                    )));
                }
                word::open(tx, store, device, TAG, tag.as_str(), LOCAL, now);
                changes = true;
            }
            Self::Untagged(tag) => {
                for word in of(TAG).filter(|word| word.value == *tag) {
                    changes |= word::close(tx, store, word.row, now)?;
                }
            }
            Self::Accepted | Self::NotAccepted => {
                let accepts = *self == Self::Accepted;
                if accepts && of(REVIEW).any(|word| word.value == ACCEPTED) {
                    return Ok(false);
                }
                for word in of(REVIEW) {
                    changes |= word::close(tx, store, word.row, now)?;
                }
                if accepts {
                    word::open(tx, store, device, REVIEW, ACCEPTED, LOCAL, now);
                    changes = true;
                }
            }
        }
        Ok(changes)
    }
}

/// A decision about devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    /// The two are one.
    Merge {
        /// One.
        a: DeviceId,
        /// The other.
        b: DeviceId,
        /// Why.
        reason: String,
    },
    /// The address is not the device's.
    Split {
        /// The device.
        device: DeviceId,
        /// The address, or `domain|address`.
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

/// Has it decided: `{"decision": number, "heeded": …, "unheeded": […]}`.
///
/// # Errors
/// [`ServeError::Asked`] in words for whoever asked.
pub(crate) async fn decide(house: &House, decided: Decided) -> crate::Result<Value> {
    let ask = match decided {
        Decided::Merge { a, b, reason } => json!({ "merge": { "a": a, "b": b, "reason": reason } }),
        Decided::Split { device, endpoint, reason } => {
            json!({ "split": { "device": device, "endpoint": endpoint, "reason": reason } })
        }
        Decided::Revert { decision } => json!({ "revert": { "decision": decision } }),
    };
    let control = Arc::clone(&house.control);
    let arguments = json!({ "by": LOCAL, "ask": ask });
    house
        .blocking
        .run(move || control.act(Act::Decide, arguments, &mut |_| {}).map_err(ServeError::Asked))
        .await
}
