//! The list under a clock that the test moves.

use super::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// A clock that stands until it is moved.
#[derive(Default)]
struct Moved(AtomicU64);

impl Moved {
    fn to(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for Moved {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

fn counting(
    log: &Arc<Mutex<Vec<&'static str>>>,
    name: &'static str,
) -> impl FnMut() -> anyhow::Result<()> + use<> {
    let log = Arc::clone(log);
    move || {
        log.lock().unwrap().push(name);
        Ok(())
    }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn tasks_run_when_they_are_due_and_in_that_order() {
    let clock = Arc::new(Moved::default());
    let tasks = Tasks::new(clock.clone());
    let log = Arc::new(Mutex::new(Vec::new()));
    tasks.every("slow", seconds(60), seconds(5), counting(&log, "slow"));
    tasks.every("quick", seconds(10), seconds(0), counting(&log, "quick"));
    let run_at = |at: u64| {
        clock.to(at);
        tasks.run_due();
        std::mem::take(&mut *log.lock().unwrap())
    };
    assert_eq!(run_at(0), ["quick"]);
    assert_eq!(run_at(4), [""; 0]);
    assert_eq!(run_at(10), ["slow", "quick"], "slow has been due since 5");
    assert_eq!(run_at(19), [""; 0]);
    assert_eq!(run_at(20), ["quick"]);
    assert_eq!(run_at(100), ["quick", "slow"], "what was missed is made up for once");
    assert_eq!(run_at(100), [""; 0]);
    tasks.soon("slow");
    assert_eq!(run_at(101), ["slow"]);
}

#[test]
fn a_task_that_overruns_runs_again_once_it_has_ended() {
    let clock = Arc::new(Moved::default());
    let tasks = Tasks::new(clock.clone());
    let log = Arc::new(Mutex::new(Vec::new()));
    let (mut note, moving) = (counting(&log, "long"), clock.clone());
    tasks.every("long", seconds(10), seconds(0), move || {
        let now = moving.now().as_secs();
        moving.to(now + 35);
        note()
    });
    tasks.every("other", seconds(1), seconds(1), counting(&log, "other"));
    tasks.run_due();
    assert_eq!(*log.lock().unwrap(), ["long", "other"], "the overdue run waits for its turn");
    let report = tasks.report();
    assert_eq!(report[0].last_took, Some(seconds(35)));
    assert_eq!((report[0].runs, report[0].running), (1, false));
    tasks.run_due();
    assert_eq!(log.lock().unwrap().iter().filter(|name| **name == "long").count(), 2);
}

#[test]
fn errors_and_panics_are_told_and_the_task_stays() {
    let clock = Arc::new(Moved::default());
    let tasks = Tasks::new(clock.clone());
    let mut runs = 0;
    tasks.every("frail", seconds(1), seconds(0), move || {
        runs += 1;
        match runs {
            1 => anyhow::bail!("the disk is {}", "x".repeat(1000)),
            2 => panic!("on purpose"),
            _ => Ok(()),
        }
    });
    let error_at = |at: u64| {
        clock.to(at);
        assert_eq!(tasks.run_due(), 1);
        tasks.report().remove(0).last_error
    };
    let first = error_at(0).unwrap();
    assert!(first.starts_with("the disk is xxx") && first.len() == ERROR_BYTES_MAX);
    assert_eq!(error_at(1).unwrap(), "it panicked");
    assert_eq!(error_at(2), None);
    assert_eq!((tasks.report()[0].runs, tasks.report()[0].failures), (3, 2));
}

#[test]
fn stopping_waits_for_the_running_task_as_long_as_it_is_told() {
    let (began, begins) = mpsc::channel();
    let (let_go, held) = mpsc::channel::<()>();
    let mut tasks = Tasks::default();
    tasks.every("held", seconds(3600), seconds(0), move || {
        began.send(()).unwrap();
        held.recv().unwrap();
        Ok(())
    });
    tasks.every("never", seconds(3600), seconds(3600), || panic!("not due"));
    tasks.start().unwrap();
    begins.recv().unwrap();
    assert!(tasks.report()[0].running);
    assert_eq!(tasks.stop(Duration::ZERO), Some("held"));
    let_go.send(()).unwrap();
    assert_eq!(tasks.stop(seconds(60)), None);
    assert_eq!(tasks.report()[0].runs, 1);
    assert_eq!(tasks.run_due(), 0, "nothing begins after the stop");
}
