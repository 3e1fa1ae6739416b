//! Values of Facts that are put together from parts of a message, on the stack: messages arrive too often to allocate.

use crate::emit::FACT_VALUE_BYTES_MAX;
use std::fmt;

/// A value in the making; what exceeds the bound of a Fact is cut.
pub(super) struct Value {
    bytes: [u8; FACT_VALUE_BYTES_MAX],
    length: usize,
}

impl Value {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; FACT_VALUE_BYTES_MAX], length: 0 }
    }

    /// `bytes` in hexadecimal.
    pub(super) fn hex(bytes: &[u8]) -> Self {
        let mut value = Self::new();
        value.push_hex(bytes);
        value
    }

    /// `parts` with `separator` between them.
    pub(super) fn joined<'a>(parts: impl Iterator<Item = &'a [u8]>, separator: &str) -> Self {
        let mut value = Self::new();
        for (n, part) in parts.enumerate() {
            if n > 0 {
                value.push(separator.as_bytes());
            }
            value.push(part);
        }
        value
    }

    /// `numbers` in decimal, separated by commas.
    pub(super) fn numbers(numbers: impl Iterator<Item = u16>) -> Self {
        let mut value = Self::new();
        for (n, number) in numbers.enumerate() {
            let separator = if n > 0 { "," } else { "" };
            value.push_text(format_args!("{separator}{number}"));
        }
        value
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
            self.length += 1;
        }
    }

    pub(super) fn push_text(&mut self, text: fmt::Arguments<'_>) {
        // Writing here cannot fail: what does not fit is cut.
        let _ = fmt::Write::write_fmt(self, text);
    }

    pub(super) fn push_hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in bytes {
            for nibble in [byte >> 4, byte & 0xf] {
                self.push(DIGITS.get(usize::from(nibble)..=usize::from(nibble)).unwrap_or_default());
            }
        }
    }

    /// `bytes` as they stand where they are printable text, else in hexadecimal.
    pub(super) fn push_printable_or_hex(&mut self, bytes: &[u8]) {
        let printable = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if printable { self.push(bytes) } else { self.push_hex(bytes) }
    }
}

impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Write for Value {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_composed_and_cut() {
        assert_eq!(Value::hex(&[0, 0xaf]).as_ref(), b"00af");
        assert_eq!(Value::numbers([1, 121, 65535].into_iter()).as_ref(), b"1,121,65535");
        assert_eq!(Value::joined([&b"_ipp"[..], b"_tcp"].into_iter(), ".").as_ref(), b"_ipp._tcp");
        assert_eq!(Value::hex(&[0xff; 200]).as_ref(), [b'f'; FACT_VALUE_BYTES_MAX]);
        let mut value = Value::new();
        value.push_printable_or_hex(b"Gi1/0/7");
        value.push(b" ");
        value.push_printable_or_hex(&[0, 4]);
        assert_eq!(value.as_ref(), b"Gi1/0/7 0004");
    }
}
