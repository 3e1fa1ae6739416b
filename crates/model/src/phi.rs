//! Patient data goes in and does not come out.

/// Protected health information as a parser found it.
///
/// There is no `Debug`, `Display`, `Serialize`, `Clone`, `Eq` or accessor: what is not here cannot leak. The exits are
/// [`present`](Self::present) and [`pseudonym`](Self::pseudonym); sealing arrives with the store.
///
/// ```compile_fail
/// println!("{:?}", model::Phi::new("DOE^JANE"));
/// ```
/// ```compile_fail
/// println!("{}", model::Phi::new("DOE^JANE"));
/// ```
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Takes patient data into custody.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T: AsRef<[u8]>> Phi<T> {
    /// Whether anything but blanks and HL7 nulls (`""`) is there.
    pub fn present(&self) -> bool {
        self.0.as_ref().iter().any(|b| !matches!(b, b' ' | b'"' | b'^' | b'~' | b'&' | b'\t' | 0))
    }

    /// A keyed one-way name for the value: equal values give equal pseudonyms under one key, and nothing else is told.
    ///
    /// `prf` must be a keyed pseudo-random function (HMAC-SHA-256, keyed BLAKE): a plain hash of a short identifier
    /// can be reversed by trying them all.
    pub fn pseudonym<F: FnOnce(&[u8]) -> [u8; 16]>(&self, prf: F) -> [u8; 16] {
        prf(self.0.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_nulls_are_not_presence() {
        assert!(Phi::new("DOE^JANE").present());
        for empty in ["", "  ", "\"\"", "^^", "~"] {
            assert!(!Phi::new(empty).present(), "{empty:?}");
        }
    }
}
