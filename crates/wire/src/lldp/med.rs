//! The LLDP-MED location identification TLV (TIA-1057 §10.2.4): coordinates, a civic address or an emergency number.

use crate::{Error, Reader};

/// Where a device says it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location<'a> {
    /// Format 1 (RFC 6225).
    Coordinates(Coordinates),
    /// Format 2 (RFC 4776).
    Civic {
        /// ISO 3166 country code.
        country: &'a [u8],
        /// The address, from coarse to fine as a rule.
        elements: CivicElements<'a>,
    },
    /// Format 3: emergency line identification number.
    Elin(&'a [u8]),
}

/// A place on the earth. Altitude and datum are not read: a hospital floor is told by its civic address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coordinates {
    /// In units of 2⁻²⁵ degrees, north positive.
    latitude: i64,
    /// In units of 2⁻²⁵ degrees, east positive.
    longitude: i64,
}

impl Coordinates {
    const UNITS_PER_DEGREE: f64 = (1u64 << 25) as f64;

    /// Degrees north.
    pub fn latitude_degrees(self) -> f64 {
        self.latitude as f64 / Self::UNITS_PER_DEGREE
    }

    /// Degrees east.
    pub fn longitude_degrees(self) -> f64 {
        self.longitude as f64 / Self::UNITS_PER_DEGREE
    }
}

/// Civic address elements: type and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivicElements<'a>(&'a [u8]);

impl<'a> CivicElements<'a> {
    /// Each element in turn, up to one that is cut off.
    pub fn iter(self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&[kind, length], after) = rest.split_first_chunk()?;
            let (value, after) = after.split_at_checked(usize::from(length))?;
            rest = after;
            Some((kind, value))
        })
    }
}

pub(super) fn location<'a>(reader: &mut Reader<'a>) -> Result<Location<'a>, Error> {
    match reader.u8("location data format")? {
        1 => coordinates(reader.array("coordinates")?, reader.at()).map(Location::Coordinates),
        2 => civic(reader),
        3 => Ok(Location::Elin(reader.rest())),
        _ => Err(reader.malformed("location data format")),
    }
}

/// RFC 6225 §2.2: six bits of uncertainty and 34 bits of signed fixed point, twice, then altitude and datum.
fn coordinates(bytes: [u8; 16], at: usize) -> Result<Coordinates, Error> {
    let bits = u128::from_be_bytes(bytes);
    // No bit of either is certain: "somewhere on earth", which an unconfigured device sends.
    if bits >> 122 == 0 && (bits >> 82) & 0x3f == 0 {
        return Err(Error::Malformed { what: "coordinates", at });
    }
    let place = Coordinates { latitude: signed_34(bits >> 88), longitude: signed_34(bits >> 48) };
    let on_earth = place.latitude_degrees().abs() <= 90.0 && place.longitude_degrees().abs() <= 180.0;
    if on_earth { Ok(place) } else { Err(Error::Malformed { what: "coordinates", at }) }
}

/// The low 34 bits as two's complement.
const fn signed_34(bits: u128) -> i64 {
    const UNUSED_BITS: u32 = 64 - 34;
    ((bits as u64) << UNUSED_BITS) as i64 >> UNUSED_BITS
}

/// The length of what follows, whose location it is, a country and the elements (RFC 4776 §3.1 behind a length octet).
fn civic<'a>(reader: &mut Reader<'a>) -> Result<Location<'a>, Error> {
    let length = reader.u8("civic address length")?;
    let mut civic = reader.sub(usize::from(length), "civic address")?;
    civic.skip(1, "what")?;
    let country = civic.take(2, "country code")?;
    Ok(Location::Civic { country, elements: CivicElements(civic.rest()) })
}
