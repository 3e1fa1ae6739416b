//! The house as its pages and its API see it: what is known, how to read more, and the one way to have something written.

use crate::blocking::Blocking;
use crate::control::Control;
use crate::inventory::Inventory;
use crate::jobs::Jobs;
use crate::network::Network;
use crate::stream::Stream;
use crate::when::Zone;
use model::{DeviceId, SiteId, Timestamp};
use std::sync::Arc;
use store::{Readers, Store, StoreError, Tx};

/// What pages and API are given. Cheap to clone.
#[derive(Clone)]
pub struct House {
    /// The site.
    pub site: Arc<SiteInfo>,
    /// Every device as it is known now, in memory.
    pub inventory: Arc<Inventory>,
    /// Who talks to whom, in memory.
    pub network: Arc<Network>,
    /// The store, for what is not in memory.
    pub readers: Arc<Readers>,
    /// Who writes.
    pub desk: Arc<dyn Desk>,
    /// Who does long work: verify, backup, checkpoint.
    pub control: Arc<dyn Control>,
    /// What open pages are told.
    pub stream: Arc<Stream>,
    /// Long work that somebody asked for.
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) blocking: Blocking,
    /// Zones proposed last.
    pub(crate) proposed: Arc<crate::api::Proposed>,
}

/// What is configured of the site.
#[derive(Clone, Debug)]
pub struct SiteInfo {
    /// Its number.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// Its time zone.
    pub zone: Zone,
    /// What every page says about where its data comes from, where that is not a hospital: the demo's sentence.
    pub notice: Option<String>,
    /// Where Ward listens and what it reads, for pages that explain what is missing.
    pub sources: Vec<SourceInfo>,
    /// Name of the ledger.
    pub origin: String,
}

/// A source as configured.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// `interface` or `folder`.
    pub kind: &'static str,
    /// Its name or path.
    pub name: String,
}

/// What is to be written: made on the writer's thread, from the store as it is at that moment.
pub struct Planned<T> {
    /// The transaction. `None`: nothing is to be done.
    pub tx: Option<Tx>,
    /// Whose cards must be drawn anew after it.
    pub concerns: Concerns,
    /// What whoever asked is told.
    pub answer: T,
}

/// What a write bears on beside its own rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Concerns {
    /// Nothing that lists show.
    #[default]
    Nothing,
    /// These devices: their claims, tags, zone or review.
    Devices(Vec<DeviceId>),
    /// Every device: zones or their rules changed.
    Zones,
}

/// A plan that is ready to be made.
pub type Plan =
    Box<dyn FnOnce(&mut Store, Timestamp) -> Result<Planned<serde_json::Value>, StoreError> + Send>;

/// The one writer.
pub trait Desk: Send + Sync + 'static {
    /// Makes the plan on the writer's thread, commits its transaction, and lets what it concerns be drawn anew; returns its answer.
    /// Blocks until that is durable. Nothing is written where it fails, but for [`StoreError::Unsure`].
    fn write(&self, plan: Plan) -> Result<serde_json::Value, StoreError>;

    /// The clock.
    fn now(&self) -> Timestamp;
}

impl House {
    /// Everything a listener of pages needs.
    pub fn new(
        site: SiteInfo,
        (inventory, network): (Arc<Inventory>, Arc<Network>),
        readers: Arc<Readers>,
        desk: Arc<dyn Desk>,
        control: Arc<dyn Control>,
        stream: Arc<Stream>,
    ) -> Self {
        let blocking = Blocking::new("the store");
        Self {
            site: Arc::new(site),
            inventory,
            network,
            readers,
            desk,
            control,
            stream,
            jobs: Arc::default(),
            blocking,
            proposed: Arc::default(),
        }
    }

    /// The clock.
    pub fn now(&self) -> Timestamp {
        self.desk.now()
    }

    /// Runs `read` on a connection of the store, off the runtime's threads.
    ///
    /// # Errors
    /// As the store.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut store::db::Db) -> store::Result<T> + Send + 'static,
    ) -> crate::Result<T> {
        let readers = Arc::clone(&self.readers);
        self.blocking.run(move || Ok(readers.read(read)?)).await
    }

    /// Has something written.
    ///
    /// # Errors
    /// As the store; [`StoreError::Refused`] is for whoever asked.
    pub(crate) async fn write<T, F>(&self, plan: F) -> crate::Result<T>
    where
        T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static,
        F: FnOnce(&mut Store, Timestamp) -> Result<Planned<T>, StoreError> + Send + 'static,
    {
        let desk = Arc::clone(&self.desk);
        let ours = |error: serde_json::Error| StoreError::Ours { detail: error.to_string() };
        let plan: Plan = Box::new(move |store, now| {
            let Planned { tx, concerns, answer } = plan(store, now)?;
            Ok(Planned { tx, concerns, answer: serde_json::to_value(answer).map_err(ours)? })
        });
        self.blocking
            .run(move || {
                let answer = desk.write(plan)?;
                Ok(serde_json::from_value(answer).map_err(ours)?)
            })
            .await
    }
}

/// Who asks, until there is sign-in: somebody at this machine.
pub const LOCAL: &str = "local:console";
