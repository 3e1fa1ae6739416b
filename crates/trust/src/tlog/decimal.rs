//! Numbers as checkpoints, requests and tile paths write them: ASCII decimal without signs or superfluous zeroes.
//!
//! It must accept exactly one spelling of each number: what is signed or fetched has one name. C2SP tlog-checkpoint, tlog-tiles.

/// The number, or `None` where the text is any other spelling than the one of a number up to `max`.
pub fn parse(text: &str, max: u64) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = (canonical && digits).then(|| text.parse().ok())??;
    (number <= max).then_some(number)
}
