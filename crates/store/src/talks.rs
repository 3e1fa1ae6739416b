//! Who talks to whom over what, and how much of it in an hour.

use crate::db::{Cell, Db, Value};
use crate::endpoints;
use crate::error::{Result, StoreError};
use judge::inventory::{SubjectKey, TalkKey, TalkSums};
use model::{Protocol, SiteId, Transport};
use smol_str::SmolStr;

/// A talk of an hour and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TalkRow {
    /// Number of the row.
    pub id: i64,
    /// Number of the row in `pairs`.
    pub pair: i64,
    /// The newest block whose records it reflects.
    pub folded: i64,
    /// How much.
    pub sums: TalkSums,
}

/// The columns of a row in `pairs`.
pub fn pair_cells(key: &TalkKey) -> Vec<Value> {
    vec![
        endpoints::text(&key.client).into(),
        endpoints::text(&key.server).into(),
        key.protocol.name().into(),
        transport(key.transport).into(),
        i64::from(key.service_port).into(),
    ]
}

/// Number of the row in `pairs` for the ends and the service of `key`.
///
/// # Errors
/// By cause.
pub fn find_pair(db: &mut Db, site: SiteId, key: &TalkKey) -> Result<Option<i64>> {
    let (client, server) = (endpoints::text(&key.client), endpoints::text(&key.server));
    let transport = transport(key.transport);
    let parameters = [
        Cell::Int(site.0.into()),
        Cell::Text(&client),
        Cell::Text(&server),
        Cell::Text(key.protocol.name()),
        Cell::Text(&transport),
        Cell::Int(key.service_port.into()),
    ];
    let sql = "SELECT id FROM pairs WHERE site = ?1 AND client = ?2 AND server = ?3 AND protocol = ?4 \
               AND transport = ?5 AND service_port = ?6";
    db.number(sql, &parameters)
}

impl TalkRow {
    /// The columns of the row.
    pub fn cells(pair: i64, hour: u32, folded: i64, sums: &TalkSums) -> Vec<Value> {
        let [client_packets, server_packets] = sums.packets.map(u64::cast_signed);
        let [client_bytes, server_bytes] = sums.bytes.map(u64::cast_signed);
        vec![
            pair.into(),
            hour.into(),
            folded.into(),
            client_packets.into(),
            server_packets.into(),
            client_bytes.into(),
            server_bytes.into(),
            sums.flows.cast_signed().into(),
            serde_json::to_string(&sums.verbs).unwrap_or_default().into(),
        ]
    }

    /// The talk of `pair` in `hour`.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, pair: i64, hour: u32) -> Result<Option<Self>> {
        let mut found = None;
        let sql = "SELECT id, folded, client_packets, server_packets, client_bytes, server_bytes, flows, verbs \
                   FROM talks WHERE pair = ?1 AND hour = ?2";
        db.query(sql, &[Cell::Int(pair), Cell::Int(hour.into())], &mut |row| {
            let id = row.int(0)?;
            let verbs: Vec<(SmolStr, u64)> = serde_json::from_str(row.text(7)?)
                .map_err(|e| StoreError::damaged(format!("table talks, row {id}: {e}")))?;
            let sums = TalkSums {
                packets: [row.int(2)?.cast_unsigned(), row.int(3)?.cast_unsigned()],
                bytes: [row.int(4)?.cast_unsigned(), row.int(5)?.cast_unsigned()],
                flows: row.int(6)?.cast_unsigned(),
                verbs,
            };
            found = Some(Self { id, pair, folded: row.int(1)?, sums });
            Ok(())
        })?;
        Ok(found)
    }
}

/// What a pair said to each other in the newest hour that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestTalk {
    /// Number of the row in `pairs`.
    pub pair: i64,
    /// Who asked.
    pub client: SubjectKey,
    /// Who answered.
    pub server: SubjectKey,
    /// Over what.
    pub protocol: Protocol,
    /// Port of the service; 0: none.
    pub port: u16,
    /// Hours since 1970.
    pub hour: u32,
    /// Bytes of both directions.
    pub bytes: u64,
    /// Conversations.
    pub flows: u64,
}

/// The newest talk of each pair, by pair, behind pair `after`, at most `limit`, each handed to `each`.
///
/// # Errors
/// By cause.
pub fn each_newest(
    db: &mut Db,
    site: SiteId,
    after: i64,
    limit: u32,
    each: &mut dyn FnMut(NewestTalk),
) -> Result<()> {
    let sql = "SELECT p.id, p.client, p.server, p.protocol, p.service_port, t.hour, \
               t.client_bytes + t.server_bytes, t.flows FROM pairs p JOIN talks t ON t.pair = p.id \
               WHERE p.site = ?1 AND p.id > ?2 AND t.hour = (SELECT max(n.hour) FROM talks n WHERE n.pair = p.id) \
               ORDER BY p.id LIMIT ?3";
    let parameters = [Cell::Int(site.0.into()), Cell::Int(after), Cell::Int(limit.into())];
    db.query(sql, &parameters, &mut |row| {
        let pair = row.int(0)?;
        let protocol: Protocol = serde_json::from_value(row.text(3)?.into())
            .map_err(|e| StoreError::damaged(format!("table pairs, row {pair}: {e}")))?;
        each(NewestTalk {
            pair,
            client: endpoints::parse(row.text(1)?)?,
            server: endpoints::parse(row.text(2)?)?,
            protocol,
            port: u16::try_from(row.int(4)?)?,
            hour: u32::try_from(row.int(5)?)?,
            bytes: row.int(6)?.cast_unsigned(),
            flows: row.int(7)?.cast_unsigned(),
        });
        Ok(())
    })
}

fn transport(transport: Transport) -> String {
    match transport {
        Transport::Tcp => "tcp".into(),
        Transport::Udp => "udp".into(),
        Transport::Icmp => "icmp".into(),
        Transport::Ip(protocol) => format!("ip-{protocol}"),
        Transport::Link(ether_type) => format!("link-{ether_type:#06x}"),
    }
}
