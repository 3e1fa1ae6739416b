//! With whom one device talks, over what and how much, within some hours.
//!
//! It must not read without a bound: a server of the whole house has thousands of peers, and each of them a row an hour.

use crate::db::{Cell, Db, Row};
use crate::error::Result;
use model::SiteId;
use std::ops::Range;

/// Services of one device that are added up, the newest first; more are counted.
pub const PAIRS_MAX: usize = 600;
/// Rows of hours that are added up for one device: the longer the time, the fewer services.
const ROWS_MAX: i64 = 36_000;
/// Hours of a day in table `talk_days`.
const DAY_HOURS: i64 = 24;

/// What one endpoint of the device and one endpoint of a peer said over one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talked {
    /// Number of the row in `pairs`.
    pub pair: i64,
    /// The device asked and the peer answered; `false`: the other way round.
    pub is_client: bool,
    /// The peer's endpoint, as tables name it.
    pub peer: String,
    /// Name of the protocol.
    pub protocol: String,
    /// `tcp`, `udp` and the like.
    pub transport: String,
    /// Port of the service; 0: none.
    pub port: i64,
    /// Bytes that the device sent.
    pub bytes_out: u64,
    /// Bytes that the peer sent.
    pub bytes_in: u64,
    /// Conversations.
    pub flows: u64,
    /// First hour in which they talked, since 1970.
    pub first_hour: i64,
    /// Last hour in which they talked.
    pub last_hour: i64,
}

/// The talks of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Talks {
    /// One for each service and peer.
    pub rows: Vec<Talked>,
    /// Services and peers that were ever seen but are not among those added up here.
    pub pairs_left_out: u64,
}

/// The talks of `endpoints` in `hours`, by bytes.
///
/// # Errors
/// By cause.
pub fn of(db: &mut Db, site: SiteId, endpoints: &[String], hours: Range<i64>) -> Result<Talks> {
    let mut talks = Talks::default();
    let most = ROWS_MAX / (hours.end - hours.start).max(1);
    let mut left = usize::try_from(most).unwrap_or(0).clamp(1, PAIRS_MAX);
    for endpoint in endpoints {
        for is_client in [true, false] {
            let own = if is_client { "client" } else { "server" };
            let sql = format!("SELECT count(*) FROM pairs WHERE site = ?1 AND {own} = ?2");
            let of_it = db.number(&sql, &[Cell::Int(site.0.into()), Cell::Text(endpoint)])?.unwrap_or(0);
            let of_it = usize::try_from(of_it).unwrap_or(usize::MAX);
            let read = of_it.min(left);
            left -= read;
            talks.pairs_left_out += (of_it - read) as u64;
            if read > 0 {
                let side = Side { site, endpoint, is_client, pairs: read };
                side.add_up(db, "talks", "hour", hours.clone(), &mut talks.rows)?;
            }
        }
    }
    talks.rows.sort_by(|a, b| {
        let bytes = |talked: &Talked| std::cmp::Reverse(talked.bytes_in.saturating_add(talked.bytes_out));
        bytes(a).cmp(&bytes(b)).then_with(|| a.pair.cmp(&b.pair))
    });
    Ok(talks)
}

/// As [`of`], from what retention added up by day, for hours that are kept no longer: whole days, in `hours`.
///
/// # Errors
/// By cause.
pub fn of_days(db: &mut Db, site: SiteId, endpoints: &[String], hours: Range<i64>) -> Result<Vec<Talked>> {
    let days = hours.start / DAY_HOURS..(hours.end + DAY_HOURS - 1) / DAY_HOURS;
    let mut rows = Vec::new();
    for endpoint in endpoints {
        for is_client in [true, false] {
            let side = Side { site, endpoint, is_client, pairs: PAIRS_MAX };
            side.add_up(db, "talk_days", "day", days.clone(), &mut rows)?;
        }
    }
    rows.truncate(PAIRS_MAX);
    for talked in &mut rows {
        talked.first_hour *= DAY_HOURS;
        talked.last_hour = talked.last_hour * DAY_HOURS + DAY_HOURS - 1;
    }
    Ok(rows)
}

/// One end of the talks that are asked for.
struct Side<'e> {
    site: SiteId,
    endpoint: &'e str,
    is_client: bool,
    pairs: usize,
}

impl Side<'_> {
    fn add_up(
        &self,
        db: &mut Db,
        table: &str,
        time: &str,
        span: Range<i64>,
        rows: &mut Vec<Talked>,
    ) -> Result<()> {
        let (own, peer) = if self.is_client { ("client", "server") } else { ("server", "client") };
        let sql = format!(
            "SELECT p.id, p.peer, p.protocol, p.transport, p.service_port, CAST(sum(t.{own}_bytes) AS BIGINT), \
             CAST(sum(t.{peer}_bytes) AS BIGINT), CAST(sum(t.flows) AS BIGINT), min(t.{time}), max(t.{time}) \
             FROM (SELECT id, {peer} AS peer, protocol, transport, service_port FROM pairs \
             WHERE site = ?1 AND {own} = ?2 ORDER BY id DESC LIMIT ?3) p \
             JOIN {table} t ON t.pair = p.id AND t.{time} >= ?4 AND t.{time} < ?5 \
             GROUP BY p.id, p.peer, p.protocol, p.transport, p.service_port"
        );
        let parameters = [
            Cell::Int(self.site.0.into()),
            Cell::Text(self.endpoint),
            Cell::Int(i64::try_from(self.pairs).unwrap_or(i64::MAX)),
            Cell::Int(span.start),
            Cell::Int(span.end),
        ];
        db.query(&sql, &parameters, &mut |row| {
            rows.push(self.read(row)?);
            Ok(())
        })
    }

    fn read(&self, row: &Row<'_>) -> Result<Talked> {
        Ok(Talked {
            pair: row.int(0)?,
            is_client: self.is_client,
            peer: row.text(1)?.to_owned(),
            protocol: row.text(2)?.to_owned(),
            transport: row.text(3)?.to_owned(),
            port: row.int(4)?,
            bytes_out: row.int(5)?.cast_unsigned(),
            bytes_in: row.int(6)?.cast_unsigned(),
            flows: row.int(7)?.cast_unsigned(),
            first_hour: row.int(8)?,
            last_hour: row.int(9)?,
        })
    }
}
