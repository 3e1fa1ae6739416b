//! Object identifiers, as BER encodes them.

/// Longest text of an object identifier that is written, in bytes.
pub const OID_TEXT_BYTES_MAX: usize = 160;
const SUBIDENTIFIERS_MAX: usize = 128;

/// An object identifier in its encoding: comparing encodings compares identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oid<'a>(pub &'a [u8]);

impl<'a> Oid<'a> {
    /// What follows `base`, if this is `base` or lies under it. Encodings are cut only between sub-identifiers, since
    /// `base` ends with a whole one.
    pub fn under(self, base: &[u8]) -> Option<&'a [u8]> {
        self.0.strip_prefix(base)
    }

    /// The sub-identifiers (X.690 §8.19); ends early at one over 32 bits (RFC 2578 §3.5) or cut off.
    pub fn subidentifiers(self) -> impl Iterator<Item = u32> + use<'a> {
        let mut encoded = encoded(self.0);
        let first = encoded.next();
        let (x, y) = match first {
            Some(both @ 0..80) => (Some(both / 40), Some(both % 40)),
            Some(both) => (Some(2), Some(both - 80)),
            None => (None, None),
        };
        x.into_iter().chain(y).chain(encoded).take(SUBIDENTIFIERS_MAX)
    }

    /// Writes the dotted form into `room`; what does not fit is cut off at a dot.
    pub fn text(self, room: &mut [u8; OID_TEXT_BYTES_MAX]) -> &[u8] {
        let mut written = 0;
        for (place, number) in self.subidentifiers().enumerate() {
            let mut digits = [0; 11];
            let text = dotted(number, place > 0, &mut digits);
            let Some(into) = room.get_mut(written..written + text.len()) else { break };
            into.copy_from_slice(text);
            written += text.len();
        }
        room.get(..written).unwrap_or_default()
    }
}

/// `.` and the number, written from the back of `digits`.
fn dotted(mut number: u32, dot: bool, digits: &mut [u8; 11]) -> &[u8] {
    let mut length = 0;
    for slot in digits.iter_mut().rev() {
        length += 1;
        *slot = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if dot && let Some(slot) = digits.iter_mut().rev().nth(length) {
        *slot = b'.';
        length += 1;
    }
    digits.get(digits.len() - length..).unwrap_or_default()
}

fn encoded(bytes: &[u8]) -> impl Iterator<Item = u32> + use<'_> {
    let mut rest = bytes.iter();
    std::iter::from_fn(move || {
        let mut number = 0u32;
        loop {
            let byte = *rest.next()?;
            if number >= 1 << 25 {
                rest = [].iter();
                return None;
            }
            number = number << 7 | u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
    })
}
