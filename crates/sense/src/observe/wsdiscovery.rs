//! What WS-Discovery tells: medical devices of SDC with their bed, printers, cameras and hosts, each by its own word.
//!
//! A patient context among the scopes is stated as patient data in clear; what it says is not looked at.

use super::{Context, Datagram};
use model::{Address, Attribute, UnparsedReason};
use wire::wsdiscovery::{
    Endpoint, Kind, Location, Message, Onvif, SCOPE_BYTES_MAX, Scope, parse, percent_decoded, probe, unescape,
};

/// Longest value put together here, in bytes.
const VALUE_BYTES_MAX: usize = 256;

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(_) if probe(payload) == wire::Probe::NotForUs => return Datagram::NotOurs,
        Err(wire::Error::Limit { .. }) => return Datagram::Broken(UnparsedReason::Limit),
        Err(_) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    cx.verb(message.kind.verb(), payload.len());
    if message.kind.describes_sender() && !is_from_proxy(cx, &message) {
        endpoint_facts(cx, &message.endpoint);
    }
    Datagram::Read
}

/// A discovery proxy answers for endpoints that are not at its address: for several at once, or for one whose transports
/// are all elsewhere. A Hello or Bye is always the endpoint's own, from whichever of its cards.
fn is_from_proxy(cx: &Context<'_>, message: &Message<'_>) -> bool {
    if matches!(message.kind, Kind::Hello | Kind::Bye) {
        return message.endpoints != 1;
    }
    let mut addresses = message.endpoint.transport_addresses().map(Address::Ip).peekable();
    message.endpoints != 1
        || (addresses.peek().is_some() && !addresses.any(|address| address == cx.sender.address))
}

fn endpoint_facts(cx: &mut Context<'_>, endpoint: &Endpoint<'_>) {
    let mut room = [0; SCOPE_BYTES_MAX];
    cx.fact(Attribute::ServiceInstance, unescape(endpoint.address, &mut room));
    // Every DPWS device is a `Device`: it tells nothing.
    for name in endpoint.types().filter(|name| *name != b"Device") {
        cx.fact(Attribute::DeviceType, name);
    }
    for raw in endpoint.scopes() {
        scope_facts(cx, Scope::of(unescape(raw, &mut room)));
    }
}

fn scope_facts(cx: &mut Context<'_>, scope: Scope<'_>) {
    let mut value = Value::default();
    match scope {
        Scope::Location(location) => {
            value.push_location(location);
            cx.fact(Attribute::Location, value.text());
        }
        Scope::Patient(patient) if patient.present() => {
            cx.fact(Attribute::PhiInClear, "ws-discovery sdc.ctxt.pat");
        }
        Scope::DeviceCode(code) => {
            value.push(b"mdc ".iter().copied().chain(code.iter().copied()));
            cx.fact(Attribute::DeviceType, value.text());
        }
        Scope::Onvif(about, text) => {
            value.push(percent_decoded(text));
            let attribute = match about {
                Onvif::Name => Attribute::HostName,
                Onvif::Hardware => Attribute::Model,
                Onvif::Manufacturer => Attribute::Manufacturer,
                Onvif::Location => Attribute::Location,
            };
            cx.fact(attribute, value.text());
        }
        Scope::Patient(_) | Scope::Other => {}
    }
}

/// A value put together on the stack; what does not fit is cut off.
struct Value {
    bytes: [u8; VALUE_BYTES_MAX],
    length: usize,
}

impl Default for Value {
    fn default() -> Self {
        Self { bytes: [0; VALUE_BYTES_MAX], length: 0 }
    }
}

impl Value {
    fn push(&mut self, bytes: impl Iterator<Item = u8>) {
        for byte in bytes {
            let Some(slot) = self.bytes.get_mut(self.length) else { return };
            *slot = byte;
            self.length += 1;
        }
    }

    /// `fac=… poc=… bed=…`, what is said of it; blanks are a plus in a query.
    fn push_location(&mut self, location: Location<'_>) {
        for (key, encoded) in location.parts.into_iter().filter(|(_, encoded)| !encoded.is_empty()) {
            let gap: &[u8] = if self.length == 0 { b"" } else { b" " };
            self.push(gap.iter().copied().chain(key.bytes()).chain([b'=']));
            // A plus that is meant is encoded, so it is told apart before decoding.
            for piece in encoded.split_inclusive(|&b| b == b'+') {
                match piece.split_last() {
                    Some((b'+', before)) => self.push(percent_decoded(before).chain([b' '])),
                    _ => self.push(percent_decoded(piece)),
                }
            }
        }
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
