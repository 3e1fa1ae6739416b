//! The whole list as a file: made piece by piece while it is sent, so that a hundred thousand devices are never one text in memory.

use super::{Asked, Column, DeviceShown, Devices, Entry, House, JSON, Problem, Query, Response, State};
use crate::api::bounded;
use crate::api::csv::{CSV, file_name, guarded};
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use hyper::body::{Bytes, Frame};
use model::Format;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Devices of a piece.
const DEVICES_PER_PIECE: usize = 256;

/// Writes the file piece by piece.
struct Pieces<W> {
    entries: std::vec::IntoIter<Arc<Entry>>,
    head: Option<Bytes>,
    tail: Option<Bytes>,
    /// Writes one device; `true` for the first.
    write: W,
    is_first: bool,
}

impl<W: FnMut(&Entry, bool, &mut Vec<u8>) + Unpin> hyper::body::Body for Pieces<W> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if let Some(head) = this.head.take() {
            return Poll::Ready(Some(Ok(Frame::data(head))));
        }
        let mut piece = Vec::new();
        for entry in this.entries.by_ref().take(DEVICES_PER_PIECE) {
            (this.write)(&entry, std::mem::take(&mut this.is_first), &mut piece);
        }
        let piece = if piece.is_empty() { this.tail.take() } else { Some(Bytes::from(piece)) };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// `GET /api/v1/devices.csv`
pub(super) async fn csv(State(house): State<House>, Devices(query): Devices) -> Result<Response, Problem> {
    let entries = Asked::of(&house, &query).await?.matching(&house, &query).await?;
    let columns = query.shown().to_vec();
    let head = record(std::iter::once("id").chain(columns.iter().map(|column| column.name())));
    let write = move |entry: &Entry, _: bool, out: &mut Vec<u8>| {
        let id = entry.id.to_string();
        let cells: Vec<_> = columns.iter().map(|column: &Column| column.cell(entry)).collect();
        out.extend(record(std::iter::once(id.as_str()).chain(cells.iter().map(|cell| cell.as_str()))));
    };
    let pieces =
        Pieces { entries: entries.into_iter(), head: Some(head.into()), tail: None, write, is_first: true };
    Ok(file(CSV, &file_name(&house, "devices", "csv"), Body::new(pieces)))
}

/// `GET /api/v1/devices.json`
pub(super) async fn json(State(house): State<House>, Devices(query): Devices) -> Result<Response, Problem> {
    let entries = Asked::of(&house, &query).await?.matching(&house, &query).await?;
    let head = Bytes::from_static(b"{\"items\":[");
    let tail = Bytes::from(end(entries.len()));
    let pieces = Pieces {
        entries: entries.into_iter(),
        head: Some(head),
        tail: Some(tail),
        write: item,
        is_first: true,
    };
    Ok(file(JSON, &file_name(&house, "devices", "json"), Body::new(pieces)))
}

fn item(entry: &Entry, is_first: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if is_first { b"\n" } else { b",\n" });
    out.extend(serde_json::to_vec(&DeviceShown::from(entry)).unwrap_or_default());
}

fn end(devices: usize) -> Vec<u8> {
    format!("],\"total\":{devices}}}\n").into_bytes()
}

/// The list as it is now, for a report: rows and bytes. Blocks.
///
/// # Errors
/// [`Problem`] for a query that is none of devices, or one of the past: a report tells how it is when it is made.
pub(crate) fn write(house: &House, query: &str, format: Format) -> Result<(usize, Vec<u8>), Problem> {
    let query = Query::parse(query)?;
    if query.at.is_some() {
        return Err(Problem::bad("a report is of now: leave out at"));
    }
    let entries = house.inventory.matching(&query, house.now(), &house.site.zone);
    bounded(entries.len())?;
    let bytes = match format {
        Format::Csv => {
            let columns = query.shown();
            let head = record(std::iter::once("id").chain(columns.iter().map(|column| column.name())));
            entries.iter().fold(head, |mut out, entry| {
                let id = entry.id.to_string();
                let cells: Vec<_> = columns.iter().map(|column| column.cell(entry)).collect();
                out.extend(record(
                    std::iter::once(id.as_str()).chain(cells.iter().map(|cell| cell.as_str())),
                ));
                out
            })
        }
        // Device by device: all of them as shapes and values at once would take many times the file.
        Format::Json => {
            let mut out = b"{\"items\":[".to_vec();
            for (place, entry) in entries.iter().enumerate() {
                item(entry, place == 0, &mut out);
            }
            out.extend_from_slice(&end(entries.len()));
            out
        }
    };
    Ok((entries.len(), bytes))
}

/// A line of CSV: RFC 4180, and nothing a spreadsheet would take for a formula.
fn record<'c>(cells: impl Iterator<Item = &'c str>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for cell in cells {
        let _ = writer.write_field(guarded(cell.into()).as_bytes());
    }
    let _ = writer.write_record(None::<&[u8]>);
    writer.into_inner().unwrap_or_default()
}

fn file(media: &'static str, name: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    if let Ok(name) = HeaderValue::from_str(name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}
