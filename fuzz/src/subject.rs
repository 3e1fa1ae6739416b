//! Target: a stored endpoint.

use judge::inventory::Subject;

/// Must neither panic nor hang on any bytes; what is read goes there and back, and is drawn without a fall.
pub fn run(data: &[u8]) {
    let Ok(subject) = Subject::from_bytes(data) else { return };
    let mut bytes = Vec::new();
    subject.to_bytes(&mut bytes);
    assert_eq!(Subject::from_bytes(&bytes).as_ref(), Ok(&subject), "what was written is not what is read");
    let _ = (subject.digest(), subject.heap_bytes(), subject.claims().count(), subject.protocols().count());
}
