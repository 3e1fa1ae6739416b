//! `ward up`: everything that runs as long as Ward does, started in order and stopped in the reverse.

mod cosign;
mod desk;
mod extras;
pub mod ground;
mod health;
mod house;
pub mod ledger_name;
mod newest;
mod office;
mod pages;
mod perform;
pub mod rotate;
pub mod state;
mod timers;

pub use extras::{Extras, Running};
pub use ground::{Ground, now};

use crate::bus::Bus;
use crate::bus::local::Local;
use crate::config::Config;
use crate::core::run::{Handle, Log, Pace, Runner};
use crate::core::{Core, Rooms, Settings};
use crate::source::folder::{self, Folder};
use crate::source::live::{self, Live, OnStart, Started};
use crate::source::{Cursors, Outlet};
use crate::tasks::Tasks;
use crate::{catalog, config, measure};
use anyhow::{Context, Result, anyhow, bail};
use judge::inventory::SiteNetworks;
use model::Timestamp;
use newest::Newest;
use serve::{Address, House, Limits, Router};
use state::{Integrity, Shared, Teller};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use store::table::TABLES;
use store::{Readers, Store, StoreError};
use trust::tlog::NoteSigner as _;

/// Connections for reading.
const READERS: usize = 8;
/// A database up to this size is looked through before the start (some seconds); a larger one soon after.
const LOOKED_AT_START_BYTES: u64 = 4 << 30;
/// How long a task may go on when Ward stops.
const TASKS_GRACE: Duration = Duration::from_secs(10);
/// How often the main thread looks around.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs the platform until `stop` is set or it cannot go on; `ready` is called once it works, with what to tell people.
///
/// Order of the start: keys, database looked through, core (which replays what views lack), timers and listeners, sources.
/// Order of the end: sources finish what they have read, listeners and timers close, the core commits what is left and signs a last
/// checkpoint.
///
/// # Errors
/// What it could not start with or go on without. What was acknowledged is durable.
pub fn run(config: Config, stop: &Arc<AtomicBool>, ready: &mut dyn FnMut(&str)) -> Result<()> {
    run_with(config, Extras::default(), stop, &mut |running| {
        ready(running.greeting);
        Ok(())
    })
}

/// The same with what a demo adds. When `ready` fails, Ward stops.
///
/// # Errors
/// As [`run`], and those of `ready`.
pub fn run_with(
    config: Config,
    extras: Extras,
    stop: &Arc<AtomicBool>,
    ready: &mut dyn FnMut(&Running<'_>) -> Result<()>,
) -> Result<()> {
    let config = Arc::new(config);
    let ground = Ground::open_or_create(&config)?;
    let state = Shared::new();
    let store = open_store(&config, &ground, &state)?;
    let clock = timers::WallClock::new(store.newest());
    let readers = Arc::new(Readers::new(ground.place.clone(), READERS));
    let metrics = serve::metrics::install()?;
    measure::describe_all();
    let bus = Arc::new(Local::new(config.limits.queue_records));
    let closed = Arc::new(AtomicBool::new(false));
    let rooms = house::rooms(&config);
    let kept = (&state, &rooms);
    let (core, handle) = start_core(&config, &extras, &ground, store, &bus, (stop, &closed), kept)?;
    let signer = ground.signer(&config)?;
    let mut tasks = Tasks::default();
    let cosigning = cosign::Cosigning::new(
        &config,
        signer.key().clone(),
        Arc::clone(&readers),
        handle.clone(),
        state.clone(),
    )?;
    timers::register(&tasks, &config, &readers, &handle, &state, &metrics, clock, cosigning);
    tasks.start().context("no thread for timers")?;
    let tasks = Arc::new(tasks);
    let office = Arc::new(office::Office {
        ground: Mutex::new(ground),
        config: Arc::clone(&config),
        readers: Arc::clone(&readers),
        core: handle.clone(),
        state: state.clone(),
        tasks: Arc::downgrade(&tasks),
    });
    let house = house::furnish(&config, extras.notice.clone(), rooms, &readers, &handle, &office);
    timers::reports(&tasks, house.clone());
    let listeners = Listeners::start(&config, house.clone(), &state, metrics, office)?;
    let started = start_sources(&config, &bus, &handle, &state, stop);
    let sources = match started {
        Ok(sources) => sources,
        Err(error) => {
            stop.store(true, Ordering::Relaxed);
            let _ = end_core(core, &closed, &bus);
            return Err(error);
        }
    };
    let given = extras::hand_over(extras, &bus, &handle, stop);
    let (greeting, url) = (greeting(&config, &listeners), listeners.url());
    let running = Running { greeting: &greeting, url: url.as_deref(), house: &house, core: &handle };
    let ended = ready(&running).and_then(|()| watch(stop, &core, &sources, &state));
    // What the house holds must be gone before the core can end.
    drop(house);
    stop.store(true, Ordering::Relaxed);
    for source in sources.into_iter().map(|(_, source)| source).chain(given) {
        let _ = source.join();
    }
    // The control socket holds on to the timers, and both to the core.
    listeners.stop();
    if let Some(task) = Arc::into_inner(tasks).and_then(|mut tasks| tasks.stop(TASKS_GRACE)) {
        tracing::warn!(name = task, "a task did not end in time");
    }
    end_core(core, &closed, &bus)?;
    ended
}

/// Lets the core write what is left, and waits for it.
fn end_core(core: CoreThread, closed: &AtomicBool, bus: &Local) -> Result<()> {
    closed.store(true, Ordering::Relaxed);
    bus.close();
    let finished = core.join().map_err(|_| anyhow!("the core ended in a panic"))?;
    finished.context("the last writes failed; what was acknowledged is durable").map(drop)
}

/// Opens the store, after looking through its pages.
fn open_store(config: &Config, ground: &Ground, state: &Shared) -> Result<Store> {
    let is_new = ground.place.file().is_some_and(|file| !file.exists());
    state.lock().integrity = Integrity::Whole("the database was made just now");
    if !is_new {
        let pages = timers::look_through(&ground.place, LOOKED_AT_START_BYTES)?;
        if let timers::Pages::Damaged(damage) = &pages {
            let expectation = ground.expectation(config)?;
            bail!(timers::what_is_lost(&ground.place, &expectation, damage));
        }
        state.lock().integrity = pages.found();
    }
    let store = Store::open(ground.place.clone(), now())?;
    Newest::new(&config.store.folder).check(&store, &config.ledger.origin, ground.signer(config)?.key())?;
    Ok(store)
}

type CoreThread = JoinHandle<Result<Core, StoreError>>;

fn start_core(
    config: &Config,
    extras: &Extras,
    ground: &Ground,
    store: Store,
    bus: &Arc<Local>,
    (stop, closed): (&Arc<AtomicBool>, &Arc<AtomicBool>),
    (state, rooms): (&Shared, &Rooms),
) -> Result<(CoreThread, Handle)> {
    let tables: Vec<&'static str> = TABLES.iter().map(|table| table.name).collect();
    let workers = |listen: &config::Listen| {
        let interface = listen.interface.clone();
        (0..listen.workers.max(1)).map(move |worker| format!("live:{interface}/{worker}"))
    };
    let sources: Vec<String> = config.listen.iter().flat_map(workers).collect();
    measure::begin(&tables, &sources);
    let mut core = open_core(config, store)?;
    extras.view_rows_per_s.inspect(|rate| core.set_view_rows_per_s(*rate));
    // A Ward that sees nothing new signs nothing new: the newest checkpoint stands.
    let newest = store::ledger::newest(core.store().db())?;
    state.lock().checkpoint = newest.map(|checkpoint| (checkpoint.size, checkpoint.signed_at));
    core.note_site(&config.site.name, &config.site.time_zone, now())?;
    core.publish_to(rooms.clone(), now());
    let log = Log { origin: config.ledger.origin.clone(), signer: Box::new(ground.signer(config)?) };
    let pace = Pace {
        batch_records: config.limits.batch_records,
        batch_within: Duration::from_millis(config.limits.batch_ms),
        ..Pace::default()
    };
    let (runner, handle) = Runner::new(core, log, pace);
    let waiting = Arc::clone(bus);
    let newest = Newest::new(&config.store.folder);
    let mut teller = Teller::new(state.clone(), newest, Box::new(move || waiting.waiting()));
    let (bus, stop, closed, state) = (Arc::clone(bus), Arc::clone(stop), Arc::clone(closed), state.clone());
    let run = move || {
        // While nothing can be written, sources wait for the core's answers: it must not wait for them to end first.
        let is_stuck = || stop.load(Ordering::Relaxed) && state.lock().failing.is_some();
        runner.run(&*bus, &now, &|| closed.load(Ordering::Relaxed) || is_stuck(), &mut teller)
    };
    let thread =
        std::thread::Builder::new().name("core".into()).spawn(run).context("no thread for the core")?;
    Ok((thread, handle))
}

/// The core over a store, as configured: also for a verb that acts while no ward runs.
///
/// # Errors
/// Those of the store, and of what ships with Ward.
pub fn open_core(config: &Config, store: Store) -> Result<Core> {
    open_core_at(config, store, now())
}

/// The same by another clock: for a store that is made with a past.
///
/// # Errors
/// As [`open_core`].
pub fn open_core_at(config: &Config, store: Store, now: Timestamp) -> Result<Core> {
    let settings = Settings {
        views_bytes_max: config.limits.views_bytes,
        subjects_max: config.limits.subjects_max,
        ..Settings::new(config.site.id, seed()?)
    };
    let catalog = catalog::load(SiteNetworks::default()).context("the built-in MAC registry is damaged")?;
    Ok(Core::open(store, settings, catalog, now)?)
}

/// A secret seed for maps.
fn seed() -> Result<u64> {
    getrandom::u64().map_err(|error| anyhow!("no entropy from the system: {error}"))
}

type Sources = Vec<(String, JoinHandle<()>)>;

fn start_sources(
    config: &Arc<Config>,
    bus: &Arc<Local>,
    core: &Handle,
    state: &Shared,
    stop: &Arc<AtomicBool>,
) -> Result<Sources> {
    let outlet = || outlet(bus, core, stop);
    let mut sources = Sources::new();
    let spawn = |name: String, run: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new().name("source".into()).spawn(run);
        thread.map(|thread| (name, thread)).context("no thread for a source")
    };
    for watch in &config.watch {
        let folder = Folder::new(folder::Settings::new(config, watch, seed()?), outlet());
        let name = format!("folder {}", watch.folder.display());
        sources.push(spawn(name, Box::new(move || folder.run()))?);
    }
    for listen in &config.listen {
        let live = Live::open(live::Settings::new(config, listen), outlet(), note_gaps(core, stop))?;
        sources.push(spawn(format!("interface {}", listen.interface), Box::new(move || live.run()))?);
    }
    state.lock().sources = sources.len();
    Ok(sources)
}

/// What a source is connected to.
fn outlet(bus: &Arc<Local>, core: &Handle, stop: &Arc<AtomicBool>) -> Outlet {
    let (asked, until) = (core.clone(), Arc::clone(stop));
    let cursors: Cursors = Arc::new(move |source: &str| {
        let source = source.to_owned();
        let found = asked
            .call_until(&until, move |core| core.cursor(&source).map(|c| (c.sequence, c.position.clone())));
        found.ok().flatten()
    });
    Outlet { bus: Arc::clone(bus) as Arc<dyn Bus>, cursors, stop: Arc::clone(stop) }
}

/// Writes down how long nobody listened.
fn note_gaps(core: &Handle, stop: &Arc<AtomicBool>) -> OnStart {
    let (core, stop) = (core.clone(), Arc::clone(stop));
    Arc::new(move |started: Started| {
        let source = started.source.to_string();
        let noted = core.call_until(&stop, move |core| (core.note_gap(&source, started.at, now()), source));
        match noted {
            Ok((Ok(gap), source)) if !gap.is_zero() => {
                let interface = source.trim_start_matches("live:").split('/').next().unwrap_or_default();
                // Rounded up: a gap is never nothing.
                measure::live_gap(&source, gap.as_secs() + u64::from(gap.subsec_nanos() > 0));
                tracing::warn!(
                    interface,
                    gap_s = gap.as_secs(),
                    "nobody listened for a while; it is written down"
                );
            }
            Ok((Err(error), _)) => tracing::error!(error = %error, "a gap could not be written down"),
            _ => {}
        }
    })
}

/// Waits until it is time to stop: asked for, or the core has ended.
fn watch(stop: &AtomicBool, core: &CoreThread, sources: &Sources, state: &Shared) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK_EVERY);
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if core.is_finished() {
            bail!("the core has ended; see the log");
        }
        let gone: Vec<String> =
            sources.iter().filter(|(_, thread)| thread.is_finished()).map(|(name, _)| name.clone()).collect();
        let mut state = state.lock();
        if gone.len() > state.sources_gone.len() {
            tracing::error!(count = gone.len(), "a source has ended although nobody asked it to");
        }
        state.sources_gone = gone;
        drop(state);
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
    }
    Ok(())
}

/// What listens, and the runtime it does so on.
struct Listeners {
    runtime: tokio::runtime::Runtime,
    stop: tokio::sync::watch::Sender<bool>,
    listening: Vec<serve::Listening>,
    http: Option<String>,
}

impl Listeners {
    fn start(
        config: &Config,
        house: House,
        state: &Shared,
        metrics: metrics_exporter_prometheus::PrometheusHandle,
        office: Arc<office::Office>,
    ) -> Result<Self> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).thread_name("serve").enable_all().build()?;
        let (stop, _) = tokio::sync::watch::channel(false);
        let stopped = || {
            let mut stopped = stop.subscribe();
            async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }
        };
        let mut listening = Vec::new();
        let mut http = None;
        if let Some(address) = config.http.address {
            let checks = health::Checks {
                state: state.clone(),
                witnesses: config.ledger.witnesses.len(),
                sources: config.watch.len() + config.listen.len(),
            };
            let own = serve::health::routes(Arc::new(checks)).merge(serve::metrics::routes(metrics));
            let tiles = serve::ledger::routes(Arc::new(pages::Pages(Arc::clone(&house.readers))));
            // The ledger is public; all else is for people at this machine.
            let rooms = serve::rooms(house);
            let router =
                serve::local_names_only(own.merge(rooms)).merge(Router::new().nest("/ledger", tiles));
            let address = Address::tcp(address)?;
            let one = runtime.block_on(serve::listen_within(Limits::pages(), &address, router, stopped()))?;
            http = Some(one.address().to_string());
            listening.push(one);
        }
        let socket = config.store.folder.join(serve::control::SOCKET_FILE);
        let control = serve::control::routes(office);
        let address = Address::unix(&socket)?;
        listening.push(runtime.block_on(serve::listen_within(
            Limits::control(),
            &address,
            control,
            stopped(),
        ))?);
        Ok(Self { runtime, stop, listening, http })
    }

    /// Where pages are.
    fn url(&self) -> Option<String> {
        self.http.as_ref().map(|http| format!("http://{http}/"))
    }

    fn stop(self) {
        let _ = self.stop.send(true);
        for one in self.listening {
            self.runtime.block_on(one.finished());
        }
        self.runtime.shutdown_timeout(TASKS_GRACE);
    }
}

/// What people are told once it runs.
fn greeting(config: &Config, listeners: &Listeners) -> String {
    let folder = |path: &Path| path.display().to_string();
    let listening = format!(
        "{} interfaces, {} watched folders. Ctrl-C stops it.",
        config.listen.len(),
        config.watch.len()
    );
    let (site, store) = (&config.site, folder(&config.store.folder));
    let pages = match &listeners.http {
        Some(http) => format!(
            "health, metrics and ledger at {http}; {listening}\nOpen http://{http}/ ; only this machine can: there is no sign-in yet."
        ),
        None => format!("no pages, health or metrics ([http] address is off); {listening}"),
    };
    format!("ward is up. Site {} \"{}\"; store {store}; {pages}", site.id.0, site.name)
}
