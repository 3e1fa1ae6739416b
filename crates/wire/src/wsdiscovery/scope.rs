//! What scopes say: places, device codes and ONVIF's names (IEEE 11073-20701 §9.4; ONVIF Core §7.3.2.2).

use model::Phi;

/// Longest scope that is read, in bytes; longer ones are read as far as this.
pub const SCOPE_BYTES_MAX: usize = 512;

/// One scope, unescaped.
pub enum Scope<'a> {
    /// Where an SDC device stands.
    Location(Location<'a>),
    /// With which patient it is associated.
    Patient(Phi<&'a [u8]>),
    /// What kind of device it is: a code of the ISO/IEEE 11073-10101 nomenclature.
    DeviceCode(&'a [u8]),
    /// What an ONVIF device says.
    Onvif(Onvif, &'a [u8]),
    /// Anything else.
    Other,
}

/// What an ONVIF scope is about; values are percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onvif {
    /// Its name.
    Name,
    /// Its model.
    Hardware,
    /// Its maker.
    Manufacturer,
    /// Where it hangs.
    Location,
}

/// An SDC location: values of the scope's query, percent-encoded, empty where not said (IEEE 11073-10207, LocationDetail).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Location<'a> {
    /// Facility, building, floor, point of care, room, bed: key and value.
    pub parts: [(&'static str, &'a [u8]); 6],
}

const LOCATION_KEYS: [&str; 6] = ["fac", "bldng", "flr", "poc", "rm", "bed"];

impl<'a> Scope<'a> {
    /// Reads one scope. Schemes are compared without regard to case, as URIs want it (RFC 3986 §3.1).
    pub fn of(text: &'a [u8]) -> Self {
        if let Some(rest) = strip(text, b"sdc.ctxt.loc:") {
            return Self::Location(Location::of(rest));
        }
        if let Some(rest) = strip(text, b"sdc.ctxt.pat:") {
            return Self::Patient(Phi::new(rest));
        }
        if let Some(code) = strip(text, b"sdc.cdc.type:").and_then(device_code) {
            return Self::DeviceCode(code);
        }
        onvif(text).unwrap_or(Self::Other)
    }
}

impl<'a> Location<'a> {
    fn of(rest: &'a [u8]) -> Self {
        let mut parts = LOCATION_KEYS.map(|key| (key, &[][..]));
        let query = rest.splitn(2, |&b| b == b'?').nth(1).unwrap_or_default();
        for pair in query.split(|&b| b == b'&') {
            let mut halves = pair.splitn(2, |&b| b == b'=');
            let (Some(key), Some(value)) = (halves.next(), halves.next()) else { continue };
            for part in parts.iter_mut().filter(|part| part.0.as_bytes() == key && part.1.is_empty()) {
                part.1 = value;
            }
        }
        Self { parts }
    }
}

/// `/<coding system>/<version>/<code>` or SDC's older `/<coding system>/<code>`, if the coding system is ISO/IEEE
/// 11073-10101: by its OID, or left out.
fn device_code(path: &[u8]) -> Option<&[u8]> {
    let mut segments = path.strip_prefix(b"/")?.split(|&b| b == b'/');
    let system = segments.next()?;
    let code = segments.next_back()?;
    let is_nomenclature =
        system.is_empty() || memchr::memmem::find(system, b"1.2.840.10004.1.1.1.0.0.1").is_some();
    let is_code = (1..=10).contains(&code.len()) && code.iter().all(u8::is_ascii_digit);
    (is_nomenclature && is_code).then_some(code)
}

fn onvif(text: &[u8]) -> Option<Scope<'_>> {
    let path = strip(text, b"onvif://www.onvif.org/")?;
    let slash = memchr::memchr(b'/', path)?;
    let (category, value) = path.split_at_checked(slash)?;
    let value = value.strip_prefix(b"/")?;
    let about = if category.eq_ignore_ascii_case(b"name") {
        Onvif::Name
    } else if category.eq_ignore_ascii_case(b"hardware") {
        Onvif::Hardware
    } else if category.eq_ignore_ascii_case(b"manufacturer") {
        Onvif::Manufacturer
    } else if category.eq_ignore_ascii_case(b"location") {
        Onvif::Location
    } else {
        return None;
    };
    Some(Scope::Onvif(about, value))
}

fn strip<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The bytes that percent-encoded `text` stands for (RFC 3986 §2.1); a `%` without two digits stands for itself.
pub fn percent_decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        if let [b'%', high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = after;
            return Some(high << 4 | low);
        }
        let (&byte, after) = rest.split_first()?;
        rest = after;
        Some(byte)
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
