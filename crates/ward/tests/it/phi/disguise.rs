//! Canaries, and the search for them in every disguise that software puts text in by accident.

/// Begins every canary; no word of any language.
const FRONT: &str = "QzVkX";
/// Ends every canary, so that a truncated one is found too.
const BACK: &str = "XkWqZ";
/// Characters shown around a find.
const AROUND: usize = 60;

/// Makes canaries that are told apart by a number.
#[derive(Default)]
pub struct Canaries(usize);

impl Canaries {
    /// A canary that was never used before: fourteen letters and digits.
    pub fn next(&mut self) -> String {
        self.0 += 1;
        format!("{FRONT}{:04}{BACK}", self.0)
    }

    /// How many were made.
    pub const fn count(&self) -> usize {
        self.0
    }
}

/// Fails when `text` holds any part of a canary: as it is, in other case, as hexadecimal, percent-encoded, in UTF-16, or in
/// base64 at any of its three alignments, with or without padding (the padding stands behind what is looked for).
pub fn assert_hidden(case: &str, text: &str) {
    if let Some((disguise, at)) = find(text) {
        let around = &text.as_bytes()[at.saturating_sub(AROUND)..(at + AROUND).min(text.len())];
        panic!("{case}: a canary came out ({disguise}): …{}…", String::from_utf8_lossy(around));
    }
}

/// The first disguise in which a canary stands in `text`, and where.
fn find(text: &str) -> Option<(&'static str, usize)> {
    let folded = text.to_ascii_lowercase();
    for mark in [FRONT, BACK] {
        let mark_folded = mark.to_ascii_lowercase();
        let join = |each: &dyn Fn(u8) -> String, mark: &str| mark.bytes().map(each).collect::<String>();
        let disguises = [
            ("as text", mark_folded.clone()),
            ("as UTF-16", join(&|b| format!("{}\0", char::from(b)), &mark_folded)),
            ("as replaced UTF-16", join(&|b| format!("{} ", char::from(b)), &mark_folded)),
            ("percent-encoded", join(&|b| format!("%{b:02x}"), mark)),
            ("as hexadecimal", join(&|b| format!("{b:02x}"), mark)),
            ("as hexadecimal with colons", join(&|b| format!("{b:02x}:"), mark)),
            ("as hexadecimal with spaces", join(&|b| format!("{b:02x} "), mark)),
            ("as numbers", join(&|b| format!("{b}, "), mark)),
            ("as HTML references", join(&|b| format!("&#{b};"), mark)),
        ];
        for (name, wanted) in disguises {
            if let Some(at) = folded.find(&wanted) {
                return Some((name, at));
            }
        }
        for shift in 0..3 {
            if let Some(at) = text.find(&base64_core(mark.as_bytes(), shift)) {
                return Some(("as base64", at));
            }
        }
    }
    None
}

/// The characters of base64 that depend on `bytes` alone when `shift` unknown bytes stand before them.
fn base64_core(bytes: &[u8], shift: usize) -> String {
    let padded: Vec<u8> = [&[0; 2][..shift], bytes].concat();
    let known_from = (shift * 8).div_ceil(6);
    let known_to = padded.len() * 8 / 6;
    base64(&padded)[known_from..known_to].to_owned()
}

/// RFC 4648 §4, with padding.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = bits >> (18 - 6 * place) & 0x3f;
            out.push(if place <= chunk.len() { char::from(ALPHABET[index as usize]) } else { '=' });
        }
    }
    out
}

#[test]
fn every_disguise_is_seen_through() {
    let canary = Canaries::default().next();
    let each = |each: &dyn Fn(u8) -> String| canary.bytes().map(each).collect::<String>();
    let mut disguised = vec![
        canary.clone(),
        canary.to_lowercase(),
        canary.to_uppercase(),
        canary[..9].to_owned(),
        canary[5..].to_owned(),
        each(&|b| format!("{b:02x}")),
        each(&|b| format!("{b:02X}")),
        each(&|b| format!("%{b:02x}")),
        each(&|b| format!("%{b:02X}")),
        each(&|b| format!("{b:02x}:")),
        each(&|b| format!("{b}, ")),
        each(&|b| format!("{}\0", char::from(b))),
        format!("{:?}", canary.as_bytes()),
    ];
    for before in ["", "a", "ab", "abc", "user:"] {
        let packed = base64(format!("{before}{canary}").as_bytes());
        disguised.push(packed.trim_end_matches('=').to_owned());
        disguised.push(packed);
        disguised.push(base64(format!("{before}{canary} and more").as_bytes()));
    }
    for text in disguised {
        assert!(find(&format!("name=\"{text}\"")).is_some(), "{text} was not seen");
    }
    assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
    for harmless in ["", "d-0123456789abcdef", "Quarz VKX", "515a00", "t13d1516h2_8daaf6152771_e5627efa2ab1"]
    {
        assert!(find(harmless).is_none(), "{harmless}");
    }
}
