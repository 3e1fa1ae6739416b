//! How often a witness is asked: token buckets, one for all requests and one for each log's cosignatures.
//!
//! It must not grow with what is asked: only configured logs have a bucket, and a log's is spent by its own signatures alone.

use std::collections::BTreeMap;
use std::time::Instant;

/// Requests a second that are looked at, whoever asks.
pub const REQUESTS_PER_SECOND: u32 = 50;
/// Cosignatures a minute for one log: each is a write to disk.
pub const COSIGNATURES_PER_MINUTE: u32 = 120;
/// Seconds' worth of requests that may come at once.
const BURST_S: u32 = 10;
const MINUTE_S: f64 = 60.0;

/// How much a witness gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Requests a second, all logs together.
    pub requests_per_second: u32,
    /// Cosignatures a minute, for one log.
    pub cosignatures_per_minute: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { requests_per_second: REQUESTS_PER_SECOND, cosignatures_per_minute: COSIGNATURES_PER_MINUTE }
    }
}

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    requests: Bucket,
    cosignatures: BTreeMap<String, Bucket>,
}

impl Budget {
    pub(super) fn new<'a>(rates: Rates, origins: impl Iterator<Item = &'a String>, now: Instant) -> Self {
        let requests = f64::from(rates.requests_per_second.max(1));
        let minute = f64::from(rates.cosignatures_per_minute.max(1));
        let one = Bucket::new(minute / MINUTE_S, minute, now);
        Self {
            requests: Bucket::new(requests, requests * f64::from(BURST_S), now),
            cosignatures: origins.map(|origin| (origin.clone(), one)).collect(),
        }
    }

    /// Takes one request, or says in how many seconds one may come.
    pub(super) fn request(&mut self, now: Instant) -> Result<(), u32> {
        self.requests.take(now)
    }

    /// Takes one cosignature of a configured log.
    pub(super) fn cosignature(&mut self, origin: &str, now: Instant) -> Result<(), u32> {
        self.cosignatures.get_mut(origin).map_or(Ok(()), |bucket| bucket.take(now))
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_second: f64,
    most: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn new(per_second: f64, most: f64, now: Instant) -> Self {
        Self { per_second, most, level: most, at: now }
    }

    fn take(&mut self, now: Instant) -> Result<(), u32> {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now.max(self.at);
        self.level = (self.level + elapsed * self.per_second).min(self.most);
        if self.level >= 1.0 {
            self.level -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - self.level) / self.per_second).ceil();
        Err((wait as u32).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_log_spends_its_own_budget_only() {
        let start = Instant::now();
        let rates = Rates { requests_per_second: 1, cosignatures_per_minute: 30 };
        let origins = ["a".to_owned(), "b".to_owned()];
        let mut budget = Budget::new(rates, origins.iter(), start);
        (0..30).for_each(|_| assert_eq!(budget.cosignature("a", start), Ok(())));
        assert_eq!(budget.cosignature("a", start), Err(2));
        assert_eq!(budget.cosignature("b", start), Ok(()));
        let later = start + Duration::from_secs(3);
        assert_eq!([(); 2].map(|()| budget.cosignature("a", later)), [Ok(()), Err(1)]);
        for _ in 0..10 {
            assert_eq!(budget.request(start), Ok(()));
        }
        assert_eq!(budget.request(start), Err(1));
    }
}
