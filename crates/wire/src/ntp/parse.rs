//! Datagram → [`Message`].

use super::{MESSAGE_BYTES_MAX, Message, Mode, Private, Time, control};
use crate::{Error, Probe, Reader};

const HEADER_BYTES: usize = 48;
/// Root delay and dispersion above this many 1/65536 seconds (256 s) are no clock's.
const ROOT_DISTANCE_MAX: u32 = 1 << 24;
/// 1970-01-01 in NTP seconds; below lies 1900–1970, or 2036 and after in era 1.
const UNIX_EPOCH_SECS: u32 = 2_208_988_800;
/// 2053 in era 1: further ahead than any clock's error.
const ERA_1_SECS_MAX: u32 = 1 << 29;

/// Whether `head`, the whole datagram, is ours: first by mode, version and length, then by fields that a clock keeps
/// within narrow bounds. Control and private messages are too bare to be sure of.
pub fn probe(head: &[u8]) -> Probe {
    match parse(head) {
        Ok(Message::Time(time)) => weigh(head, time),
        Ok(_) => Probe::Unsure,
        Err(_) => Probe::NotForUs,
    }
}

/// Reads the message that fills `datagram`.
///
/// # Errors
/// `Malformed` for a version, mode, stratum or length outside the standard, `Truncated` when the header does not fit,
/// `Limit` beyond [`MESSAGE_BYTES_MAX`].
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    if datagram.len() > MESSAGE_BYTES_MAX {
        return Err(Error::Limit { what: "message", max: MESSAGE_BYTES_MAX });
    }
    let mut reader = Reader::new(datagram);
    let bits = reader.u8("leap, version, mode")?;
    match (bits >> 3 & 7, bits & 7) {
        (1..=4, mode @ 1..=5) => time(bits >> 3 & 7, mode, reader, datagram.len()).map(Message::Time),
        (1..=4, 6) if bits & 0xc0 == 0 => control::parse(datagram).map(Message::Control),
        // In mode 7 the first two bits say "response" and "more".
        (2 | 3, 7) => private(bits, reader).map(Message::Private),
        _ => Err(Error::Malformed { what: "version and mode", at: 0 }),
    }
}

fn time(version: u8, mode: u8, mut reader: Reader<'_>, bytes: usize) -> Result<Time, Error> {
    let mode = match mode {
        1 => Mode::SymmetricActive,
        2 => Mode::SymmetricPassive,
        3 => Mode::Client,
        4 => Mode::Server,
        _ => Mode::Broadcast,
    };
    let stratum = reader.u8("stratum")?;
    if stratum > 16 {
        return Err(Error::Malformed { what: "stratum", at: 1 });
    }
    let [poll, precision] = reader.array("poll and precision")?;
    reader.skip(8, "root delay and dispersion")?;
    let reference_id = reader.array("reference identifier")?;
    reader.skip(HEADER_BYTES - 16, "timestamps")?;
    // Extension fields, key identifier and digest all come in words (RFC 5905 §7.5, RFC 7822).
    if !bytes.is_multiple_of(4) {
        return Err(Error::Malformed { what: "length", at: HEADER_BYTES });
    }
    let (poll, precision) = (poll.cast_signed(), precision.cast_signed());
    Ok(Time { version, mode, stratum, poll, precision, reference_id })
}

fn private(bits: u8, mut reader: Reader<'_>) -> Result<Private, Error> {
    reader.skip(1, "authenticated, sequence")?;
    // Both of xntpd, old and new; 0, "universal", was never used: ntpd's ntp_request.h.
    if !matches!(reader.u8("implementation")?, 2 | 3) {
        return Err(reader.malformed("implementation"));
    }
    let request_code = reader.u8("request code")?;
    let items = usize::from(reader.u16_be("error, item count")? & 0x0fff);
    let size = reader.u16_be("item size")?;
    let data_bytes = items * usize::from(size & 0x0fff);
    // The four bits above the size must be zero, and 500 bytes of data is all that there is room for.
    if size > 0x0fff || data_bytes > 500 || data_bytes > reader.len() {
        return Err(reader.malformed("item count and size"));
    }
    Ok(Private { response: bits & 0x80 != 0, request_code })
}

/// How much a well-formed time message looks like one that a clock wrote. One field out of four may be odd, as those of
/// small devices are; two are another protocol's bytes.
fn weigh(datagram: &[u8], time: Time) -> Probe {
    let mut reader = Reader::new(datagram);
    let fields = (|| {
        reader.skip(4, "head")?;
        let distance = reader.u32_be("root delay")?.max(reader.u32_be("root dispersion")?);
        reader.skip(28, "reference identifier, timestamps")?;
        Ok::<_, Error>((distance, reader.u32_be("transmit timestamp")?))
    })();
    let Ok((distance, transmit_secs)) = fields else { return Probe::NotForUs };
    let dated = transmit_secs >= UNIX_EPOCH_SECS || (1..ERA_1_SECS_MAX).contains(&transmit_secs);
    // A client need not tell its time, or may make one up (RFC 5905 §8, draft-ietf-ntp-data-minimization).
    let timed = dated || (time.mode == Mode::Client && datagram.len() == HEADER_BYTES);
    // Requests may leave the precision out; chrony puts 0x20 there.
    let precise = matches!(time.precision, -32..=-1)
        || (time.mode == Mode::Client && matches!(time.precision, 0 | 0x20));
    let plausible = [timed, precise, matches!(time.poll, -6..=17), distance < ROOT_DISTANCE_MAX];
    match plausible.into_iter().filter(|&field| !field).count() {
        0 => Probe::Certain,
        1 => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}
