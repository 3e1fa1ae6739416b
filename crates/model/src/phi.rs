//! Patient data goes in and does not come out.

/// Protected health information as a parser found it.
///
/// There is no `Debug`, `Display`, `Serialize`, `Clone`, `Eq` or accessor: what is not here cannot leak. The exits are
/// [`present`](Self::present), [`pseudonym`](Self::pseudonym) and [`seal`](Self::seal).
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

    /// Hands the value to `seal`, for sealing callers only: what `seal` returns must be ciphertext (or why there is none), under
    /// a key that can be shredded, and `seal` must neither keep nor log what it is given. `store::vault` is such a caller.
    pub fn seal<R>(&self, seal: impl FnOnce(&[u8]) -> R) -> R {
        seal(self.0.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_sees_the_value_and_hands_out_what_it_made() {
        let sealed: Vec<u8> =
            Phi::new("DOE^JANE").seal(|plain| plain.iter().map(|byte| byte ^ 0x55).collect());
        assert_eq!(sealed, [0x11, 0x1a, 0x10, 0x0b, 0x1f, 0x14, 0x1b, 0x10]);
    }

    #[test]
    fn blanks_and_nulls_are_not_presence() {
        assert!(Phi::new("DOE^JANE").present());
        for empty in ["", "  ", "\"\"", "^^", "~"] {
            assert!(!Phi::new(empty).present(), "{empty:?}");
        }
    }
}
