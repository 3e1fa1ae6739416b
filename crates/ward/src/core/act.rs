//! What people have written through pages and API: planned on the core's thread from the store as it is, committed, and then
//! followed. What follows is Ward's own conclusion, with a leaf of its own.

use super::Core;
use super::zoning::Zoning;
use model::{DeviceId, Timestamp};
use serve::house::{Concerns, Plan, Planned};
use store::{StoreError, Tx, word};

/// Devices whose words are read one by one; from here on all are read at once.
const READ_SINGLY_MAX: usize = 1_000;

impl Core {
    /// Makes the plan, commits it, and lets what it concerns be drawn anew; its answer.
    ///
    /// # Errors
    /// Those of the plan and of the commit; nothing is written then, but for [`StoreError::Unsure`].
    pub fn act(&mut self, plan: Plan, now: Timestamp) -> Result<serde_json::Value, StoreError> {
        self.be_whole(now)?;
        let Planned { tx, concerns, answer } = plan(&mut self.store, now)?;
        if let Some(tx) = tx {
            self.commit(tx, now)?;
        }
        if concerns != Concerns::Nothing {
            // What was asked for is durable: whoever asked is told so. What follows is drawn when the store can be read again.
            if let Err(error) = self.heed(&concerns, now) {
                tracing::warn!(error = %error, "what follows from an act is not drawn yet");
                let _ = self.recover(now);
            }
            self.publish_changes(now);
        }
        Ok(answer)
    }

    fn heed(&mut self, concerns: &Concerns, now: Timestamp) -> Result<(), StoreError> {
        match concerns {
            Concerns::Nothing => return Ok(()),
            Concerns::Devices(devices) => self.reread_words(devices)?,
            Concerns::Zones => {
                self.site.load_zoning(Zoning::read(self.store.db(), self.settings.site)?);
                self.site.all_unconcluded();
            }
        }
        let mut tx = Tx::new(self.settings.site, "ward", "what follows from people's words", now)
            .decided_by(self.decider);
        let known_from = now.max(self.store.newest());
        self.conclude(&mut tx, known_from);
        if tx.is_empty() { Ok(()) } else { self.store.commit(tx).map(|_| ()) }
    }

    fn reread_words(&mut self, devices: &[DeviceId]) -> Result<(), StoreError> {
        let site = self.settings.site;
        if devices.len() > READ_SINGLY_MAX {
            let mut words = super::words::Words::default();
            word::each_current(self.store.db(), site, &mut |word| words.load(word))?;
            self.site.words = words;
        } else {
            for device in devices {
                let words = word::current(self.store.db(), site, *device)?;
                self.site.words.replace(*device, words);
            }
        }
        devices.iter().for_each(|device| self.site.note_word(*device));
        Ok(())
    }
}
