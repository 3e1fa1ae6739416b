//! What HTTP/1.x tells: which software asks and answers, by what name, and what crossed in clear that should not have.
//!
//! Bodies, targets and queries are never looked at here; the parser says only that a target or media type is clinical.

mod requests;

use super::{Context, Side, Step, Stream};
use model::{Attribute, EventKind, UnparsedReason};
use requests::{Request, Requests};
use wire::http::{
    Asked, Body, Chunk, Clinical, Head, Method, Scheme, Start, parse, parse_chunk, parse_trailer, probe,
};
use wire::ssdp::Description;
use wire::{Error, Framed, Probe};

/// Longest XML body that is looked at for a UPnP device description, in bytes; [`super::CARRY_BYTES_MAX`] has room.
const DESCRIPTION_BYTES_MAX: u64 = 32 * 1024;
/// Bytes of an XML body within which a description says that it is one.
const DESCRIPTION_MARK_BYTES: usize = 512;

/// An HTTP/1.x conversation.
#[derive(Debug, Default)]
pub struct Http {
    client: Place,
    server: Place,
    requests: Requests,
    login_told: bool,
}

/// Where in its messages one direction is.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Before a head.
    #[default]
    Head,
    /// Before the line that opens a chunk.
    Chunk,
    /// Before or in the trailer that follows the last chunk.
    Trailer,
    /// In a body that lasts until the connection closes; `sure` when the request was seen, so that it must.
    UntilClose { sure: bool },
    /// Before an XML body of this many bytes that may be a device description.
    Description(usize),
}

impl Stream for Http {
    fn take(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step {
        let step = match *self.place(side) {
            Place::Head => self.head(cx, side, input),
            Place::Chunk => self.chunk(side, input),
            Place::Trailer => self.trailer(side, input),
            Place::UntilClose { sure: false } if probe(input) == Probe::Certain => self.head(cx, side, input),
            Place::UntilClose { .. } => Step::Took(input.len()),
            Place::Description(bytes) => self.description(cx, side, input, bytes),
        };
        if matches!(step, Step::Broken(_)) {
            self.gap(side);
        }
        step
    }

    fn gap(&mut self, side: Side) {
        *self.place(side) = Place::Head;
        // Which response answers which request can no longer be told.
        self.requests = Requests::default();
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        probe(head) == Probe::Certain
    }
}

impl Http {
    fn place(&mut self, side: Side) -> &mut Place {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn head(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step {
        *self.place(side) = Place::Head;
        let (head, length) = match parse(input) {
            Ok(Framed::Whole { message, length }) => (message, length),
            Ok(Framed::Partial { need }) => return Step::Need(need),
            Err(error) => return broken(error),
        };
        let request = match head.start {
            Start::Response(100..=199) => Some(Request::default()),
            Start::Response(_) => self.requests.pop(),
            Start::Request { .. } | Start::Http2 => None,
        };
        let body = head.body(request.map_or(Asked::Other, |request| request.asked));
        cx.verb(verb(head.start), length.saturating_add(body_bytes(body)));
        match head.start {
            Start::Request { method, target } => {
                let patient = target.patient_resource && returns_records(method);
                let credentials = head.credentials.and_then(shown);
                self.requests.push(Request { asked: asked(method), credentials, patient });
                self.request_facts(cx, &head, target.through_proxy);
                if patient && sends_records(method) && may_hold(body) {
                    clinical_facts(cx, head.clinical);
                }
            }
            Start::Response(status) => response_facts(cx, &head, status, request, body),
            Start::Http2 => {}
        }
        self.pass_body(side, &head, body, length, request.is_some())
    }

    /// Says how to get past what follows the head.
    fn pass_body(&mut self, side: Side, head: &Head<'_>, body: Body, head_bytes: usize, sure: bool) -> Step {
        match body {
            Body::Length(bytes) => {
                let bytes_here = usize::try_from(bytes).unwrap_or(usize::MAX);
                if head.start == Start::Response(200)
                    && head.xml
                    && (1..=DESCRIPTION_BYTES_MAX).contains(&bytes)
                {
                    *self.place(side) = Place::Description(bytes_here);
                    return Step::Took(head_bytes);
                }
                return Step::Took(head_bytes.saturating_add(bytes_here));
            }
            Body::Chunks => *self.place(side) = Place::Chunk,
            Body::UntilClose => *self.place(side) = Place::UntilClose { sure },
            // Encrypted, or another protocol's.
            Body::Tunnel => return Step::Enough,
        }
        Step::Took(head_bytes)
    }

    fn request_facts(&mut self, cx: &mut Context<'_>, head: &Head<'_>, through_proxy: bool) {
        if let Some(agent) = head.user_agent {
            cx.fact(Attribute::UserAgent, agent);
        }
        if let Some(host) = head.host.filter(|host| !through_proxy && is_host_name(host)) {
            cx.receiver_fact(Attribute::HttpHost, host);
        }
        let Some((scheme, detail)) = head.credentials.and_then(shown).map(scheme_texts) else { return };
        cx.fact(Attribute::BasicAuth, scheme);
        cx.fact(Attribute::ClearText, "http credentials");
        if !std::mem::replace(&mut self.login_told, true) {
            cx.event(EventKind::Login, detail);
        }
    }

    fn chunk(&mut self, side: Side, input: &[u8]) -> Step {
        match parse_chunk(input) {
            Ok(Framed::Whole { message: Chunk { data_bytes }, length }) => {
                if data_bytes == 0 {
                    *self.place(side) = Place::Trailer;
                }
                Step::Took(length)
            }
            Ok(Framed::Partial { need }) => Step::Need(need),
            Err(error) => broken(error),
        }
    }

    fn trailer(&mut self, side: Side, input: &[u8]) -> Step {
        match parse_trailer(input) {
            Ok(Framed::Whole { length, .. }) => {
                *self.place(side) = Place::Head;
                Step::Took(length)
            }
            Ok(Framed::Partial { need }) => Step::Need(need),
            Err(error) => broken(error),
        }
    }

    /// Waits for a device description to be whole; any other XML is passed over as soon as that shows.
    fn description(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8], bytes: usize) -> Step {
        let mark_bytes = bytes.min(DESCRIPTION_MARK_BYTES);
        if input.len() < mark_bytes {
            return Step::Need(mark_bytes);
        }
        if wire::ssdp::is_description(input) {
            let Some(body) = input.get(..bytes) else { return Step::Need(bytes) };
            if let Ok(description) = wire::ssdp::parse_description(body) {
                description_facts(cx, &description);
            }
        }
        *self.place(side) = Place::Head;
        Step::Took(bytes)
    }
}

fn broken(error: Error) -> Step {
    Step::Broken(match error {
        Error::Limit { .. } => UnparsedReason::Limit,
        Error::Truncated { .. } | Error::Malformed { .. } => UnparsedReason::BadMessage,
    })
}

const fn verb(start: Start) -> &'static str {
    match start {
        Start::Request { method, .. } => method.verb(),
        Start::Response(100..200) => "1xx",
        Start::Response(200..300) => "2xx",
        Start::Response(300..400) => "3xx",
        Start::Response(400..500) => "4xx",
        Start::Response(500..600) => "5xx",
        Start::Response(_) => "OTHER",
        Start::Http2 => "HTTP2",
    }
}

/// Bytes that follow, where the head tells.
fn body_bytes(body: Body) -> usize {
    match body {
        Body::Length(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        Body::Chunks | Body::UntilClose | Body::Tunnel => 0,
    }
}

/// Whether there is, or may be, something in the body.
const fn may_hold(body: Body) -> bool {
    !matches!(body, Body::Length(0) | Body::Tunnel)
}

const fn asked(method: Method) -> Asked {
    match method {
        Method::Head => Asked::Head,
        Method::Connect => Asked::Connect,
        _ => Asked::Other,
    }
}

/// The answer may hold the records that the target names.
const fn returns_records(method: Method) -> bool {
    matches!(method, Method::Get | Method::Search) || sends_records(method)
}

const fn sends_records(method: Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Patch)
}

/// The scheme, if whoever reads the credentials can use them.
fn shown(scheme: Scheme) -> Option<Scheme> {
    (scheme != Scheme::Other).then_some(scheme)
}

const fn scheme_texts(scheme: Scheme) -> (&'static str, &'static str) {
    match scheme {
        Scheme::Basic => ("Basic", "basic"),
        Scheme::Bearer => ("Bearer", "bearer"),
        Scheme::Other => ("", ""),
    }
}

/// Addresses say nothing new about the receiver.
fn is_host_name(host: &[u8]) -> bool {
    let is_name_byte = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    host.iter().all(is_name_byte) && !host.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

fn response_facts(cx: &mut Context<'_>, head: &Head<'_>, status: u16, request: Option<Request>, body: Body) {
    if let Some(server) = head.server {
        cx.fact(Attribute::ServerBanner, server);
    }
    cx.fact(Attribute::ClearText, "http");
    let Some(request) = request else { return };
    if let (401 | 407, Some(scheme)) = (status, request.credentials) {
        cx.event(EventKind::LoginRefused, scheme_texts(scheme).1);
    }
    if request.patient && matches!(status, 200..300) && may_hold(body) {
        clinical_facts(cx, head.clinical);
    }
}

fn clinical_facts(cx: &mut Context<'_>, clinical: Option<Clinical>) {
    let value = match clinical {
        Some(Clinical::FhirJson) => "http application/fhir+json",
        Some(Clinical::FhirXml) => "http application/fhir+xml",
        Some(Clinical::Dicom) => "http application/dicom",
        Some(Clinical::DicomJson) => "http application/dicom+json",
        Some(Clinical::DicomXml) => "http application/dicom+xml",
        None => return,
    };
    cx.fact(Attribute::PhiInClear, value);
}

fn description_facts(cx: &mut Context<'_>, description: &Description<'_>) {
    let said = [
        (Attribute::DeviceType, description.device_type),
        (Attribute::Manufacturer, description.manufacturer),
        (Attribute::Model, description.model_name),
        (Attribute::SerialNumber, description.serial_number),
        (Attribute::ServiceInstance, description.friendly_name),
    ];
    let mut room = [0; DESCRIPTION_VALUE_BYTES_MAX];
    for (attribute, raw) in said {
        cx.fact(attribute, wire::ssdp::unescape(raw, &mut room));
    }
}

/// Longest value taken from a description, in bytes.
const DESCRIPTION_VALUE_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests;
