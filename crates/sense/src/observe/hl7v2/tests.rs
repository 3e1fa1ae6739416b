use super::*;
use crate::observe::testing::Bench;
use model::Protocol;

/// Synthetic, after IHE PCD-01 (DEC).
const ORU: &[u8] = b"\x0bMSH|^~\\&|PHILIPS|ICU3|EHR|HOSP|20261121101500||ORU^R01^ORU_R01|MSG00001|P|2.6\r\
SFT|Acme Medical|4.2|Bedside\r\
PID|1||MRN000123^^^HOSP^MR||DOE^JANE||19700101|F\r\
PV1|1|I|ICU3^BED7^1\r\
OBR|1|||150456^MDC_PULS_OXIM_SAT_O2^MDC|||20261121101500\r\
OBX|1|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.1.1.150456|97|262688^MDC_DIM_PERCENT^MDC|90-100||||R|||20261121101500||||PUMP7^^0012BFFFFE000007^EUI-64\r\
OBX|2|NM|147842^MDC_ECG_HEART_RATE^MDC|1.1.1.147842|72|264864^MDC_DIM_BEAT_PER_MIN^MDC|60-100||||R\r\
\x1c\r";
const ACK: &[u8] =
    b"\x0bMSH|^~\\&|EHR|HOSP|PHILIPS|ICU3|20261121192543||ACK^R01^ACK|6325|P|2.6\rMSA|AA|MSG00001\r\x1c\r";

fn bench() -> (Bench, Hl7v2) {
    (Bench::tcp(Protocol::Hl7v2), Hl7v2::default())
}

/// Feeds `stream` in parts as a reassembler does: what was not taken is given again with the next part.
fn feed(bench: &mut Bench, hl7: &mut Hl7v2, parts: &[&[u8]]) {
    let mut held: Vec<u8> = Vec::new();
    for part in parts {
        held.extend_from_slice(part);
        let steps = bench.stream(hl7, Side::Client, &held);
        let taken = |step: &Step| match step {
            Step::Took(bytes) => *bytes,
            Step::Need(_) => 0,
            other => panic!("{other:?}"),
        };
        let taken = steps.iter().map(taken).sum::<usize>();
        held.drain(..taken);
    }
    assert!(held.is_empty(), "{} bytes left", held.len());
}

#[test]
fn a_report_and_its_acknowledgement() {
    let (mut bench, mut hl7) = bench();
    assert_eq!(bench.stream(&mut hl7, Side::Client, ORU), [Step::Took(ORU.len())]);
    assert_eq!(bench.stream(&mut hl7, Side::Server, ACK), [Step::Took(ACK.len())]);
    assert_eq!(
        bench.facts(),
        [
            "10.0.0.1 hl7-application PHILIPS",
            "10.0.0.1 hl7-facility ICU3",
            "10.0.0.2 hl7-application EHR",
            "10.0.0.2 hl7-facility HOSP",
            "10.0.0.1 hl7-version 2.6",
            "10.0.0.1 hl7-processing P",
            "10.0.0.1 clear-text hl7v2",
            "10.0.0.1 manufacturer Acme Medical",
            "10.0.0.1 software-name Bedside",
            "10.0.0.1 software-version 4.2",
            "10.0.0.1 equipment-id PUMP7^^0012BFFFFE000007^EUI-64",
            "10.0.0.1 phi-in-clear hl7v2 PID-3 PID-5 PID-7",
            "10.0.0.2 hl7-version 2.6",
            "10.0.0.2 hl7-processing P",
            "10.0.0.2 clear-text hl7v2",
        ]
    );
    assert_eq!(bench.verbs(), ["ORU^R01 client 1", "ACK^R01 server 1"]);
    assert_eq!(bench.events(), [""; 0]);
}

#[test]
fn split_at_any_byte_it_reads_the_same() {
    let (mut whole, mut hl7) = bench();
    feed(&mut whole, &mut hl7, &[ORU]);
    let mut expected = whole.facts();
    expected.sort();
    let stream = [ORU, ORU].concat();
    for cut in 1..stream.len() {
        let (mut bench, mut hl7) = bench();
        feed(&mut bench, &mut hl7, &[&stream[..cut], &stream[cut..]]);
        assert_eq!(bench.verbs(), ["ORU^R01 client 2"], "cut at {cut}");
        let mut facts = bench.facts();
        facts.sort();
        assert_eq!(facts, expected, "cut at {cut}");
    }
}

#[test]
fn byte_by_byte_it_reads_the_same_and_counts_every_byte() {
    let (mut bench, mut hl7) = bench();
    let bytes: Vec<&[u8]> = ORU.chunks(1).collect();
    feed(&mut bench, &mut hl7, &bytes);
    assert_eq!(bench.verbs(), ["ORU^R01 client 1"]);
    let counted = format!("bytes: {}", ORU.len() - 1);
    assert!(bench.all_text().contains(&counted), "all but the CR after FS, which came alone");
}

#[test]
fn several_messages_in_one_segment_and_a_batch() {
    let (mut bench, mut hl7) = bench();
    let three = [ACK, ORU, ACK].concat();
    assert_eq!(bench.stream(&mut hl7, Side::Client, &three), [Step::Took(three.len())]);
    let batch =
        b"\x0bFHS|^~\\&|LAB|LABFAC\rBHS|^~\\&|LAB|LABFAC\rMSH|^~\\&|LAB|LABFAC|||1||ORU^R01|1|P|2.3\r\
        MSH|^~\\&|LAB|LABFAC|||1||OUL^R22|1|P|2.3\rBTS|2\rFTS|1\r\x1c\r";
    assert_eq!(bench.stream(&mut hl7, Side::Client, batch), [Step::Took(batch.len())]);
    let verbs = ["ACK^R01 client 2", "ORU^R01 client 2", "FHS client 1", "BHS client 1", "OUL^R22 client 1"];
    assert_eq!(bench.verbs(), verbs);
}

#[test]
fn messages_without_mllp_are_read_too() {
    let (mut bench, mut hl7) = bench();
    let message = b"MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.3\nEVN|A01\nPID|1||1\n";
    let steps = bench.stream(&mut hl7, Side::Client, &[&message[..], message].concat());
    assert_eq!(steps, [Step::Took(2 * message.len())]);
    assert_eq!(bench.verbs(), ["ADT^A01 client 2"]);
}

#[test]
fn a_report_of_megabytes_is_walked_through_and_what_follows_is_read() {
    let (mut bench, mut hl7) = bench();
    let mut stream = b"\x0bMSH|^~\\&|A|B|C|D|1||MDM^T02|1|P|2.5\rOBX|1|ED|PDF||^AP^^Base64^".to_vec();
    stream.resize(stream.len() + (3 << 20), b'Q');
    stream
        .extend_from_slice(b"\rOBX|2|||||||||||||||||LATE^^00^EUI-64\rPRT|1|||||||||DEV^^11^EUI-64\r\x1c\r");
    stream.extend_from_slice(ACK);
    let parts: Vec<&[u8]> = stream.chunks(1460).collect();
    feed(&mut bench, &mut hl7, &parts);
    assert_eq!(bench.verbs(), ["MDM^T02 client 1", "ACK^R01 client 1"]);
    let facts = bench.facts();
    assert!(facts.contains(&"10.0.0.1 equipment-id LATE^^00^EUI-64".to_owned()), "{facts:?}");
    assert!(facts.contains(&"10.0.0.1 equipment-id DEV^^11^EUI-64".to_owned()), "{facts:?}");
    let counted = format!("bytes: {}", stream.len() - ACK.len());
    assert!(bench.all_text().contains(&counted));
}

#[test]
fn a_device_with_its_udi_is_told_with_its_serial_number() {
    let (mut bench, mut hl7) = bench();
    let message = b"\x0bMSH|^~\\&|GW||||1||ORU^R01|1|T|2.7\r\
        PRT|1|UC||EQUIP||||||(01)00643169007222(21)SN42^FDA^2.16.840.1.113883.3.3719^ISO||||||00643169007222||||SN42||pump\r\
        PRT|2|UC||EQUIP||||||P8^^0012BF0000000008^EUI-64||||||||||SN8\r\x1c\r";
    feed(&mut bench, &mut hl7, &[message]);
    let facts = bench.facts();
    for fact in [
        "10.0.0.1 hl7-processing T",
        "10.0.0.1 udi 00643169007222",
        "10.0.0.1 equipment-id (01)00643169007222(21)SN42^FDA^2.16.840.1.113883.3.3719^ISO serial=SN42 type=pump",
        "10.0.0.1 equipment-id P8^^0012BF0000000008^EUI-64 serial=SN8",
    ] {
        assert!(facts.contains(&fact.to_owned()), "{fact} not in {facts:?}");
    }
    assert!(!facts.iter().any(|fact| fact.contains("serial-number")));
}

#[test]
fn error_replies_are_reported_without_their_text() {
    let (mut bench, mut hl7) = bench();
    let refused =
        b"\x0bMSH|^~\\&|EHR||||1||ACK^A01|1|P|2.3\rMSA|AE|1|patient CANARY unknown\rERR|CANARY\r\x1c\r";
    feed(&mut bench, &mut hl7, &[refused]);
    assert_eq!(bench.events(), ["10.0.0.1 ErrorReply ACK^A01 AE"]);
    for _ in 0..100 {
        feed(&mut bench, &mut hl7, &[refused]);
    }
    assert_eq!(bench.events().len(), ERRORS_PER_MINUTE_MAX as usize);
    assert_eq!(bench.verbs(), ["ACK^A01 client 101"]);
    assert!(!bench.all_text().contains("CANARY"));
}

#[test]
fn commit_acknowledgements_of_mllp_2_are_counted() {
    let (mut bench, mut hl7) = bench();
    feed(&mut bench, &mut hl7, &[b"\x0b\x06\x1c\r\x0b\x15\x1c\r"]);
    assert_eq!(bench.verbs(), ["COMMIT ACK client 1", "COMMIT NAK client 1"]);
}

#[test]
fn what_is_not_a_message_is_broken_and_reading_resumes_at_the_next() {
    let (mut bench, mut hl7) = bench();
    let broken = [Step::Broken(UnparsedReason::BadMessage)];
    assert_eq!(bench.stream(&mut hl7, Side::Client, b"PID|1||half a message\r"), broken);
    assert_eq!(bench.stream(&mut hl7, Side::Client, b"\x0bPID|1||no header\r"), [Step::Took(1), broken[0]]);
    assert_eq!(bench.stream(&mut hl7, Side::Client, b"\0\0\0\0"), broken);
    bench.stream(&mut hl7, Side::Client, &ORU[..200]);
    hl7.gap(Side::Client);
    assert!(!hl7.resumes(Side::Client, &ORU[300..]));
    assert!(hl7.resumes(Side::Client, ORU));
    feed(&mut bench, &mut hl7, &[ORU]);
    assert_eq!(bench.verbs(), ["ORU^R01 client 2"]);
}

#[test]
fn a_missing_end_of_block_does_not_swallow_the_next_message() {
    let (mut bench, mut hl7) = bench();
    let cut = &ORU[..ORU.len() - 3];
    feed(&mut bench, &mut hl7, &[cut, ORU, ACK]);
    assert_eq!(bench.verbs(), ["ORU^R01 client 2", "ACK^R01 client 1"]);
}

#[test]
fn no_patient_data_comes_out() {
    let canary = |name: &str, fields: usize| {
        let mut segment = name.to_owned();
        for n in 1..=fields {
            segment.push_str(&format!("|CANARY{n}^CANARY&CANARY~CANARY"));
        }
        segment
    };
    let mut message = "\x0bMSH|^~\\&|MON|ICU|HIS|HOSP|20261121|CANARY|ORU^R01|CANARY|P|2.6|CANARY".to_owned();
    for (name, fields) in [
        ("EVN", 7),
        ("PID", 39),
        ("PD1", 21),
        ("NK1", 39),
        ("PV1", 52),
        ("PV2", 49),
        ("IN1", 53),
        ("IN2", 72),
        ("GT1", 57),
        ("MRG", 7),
        ("AL1", 6),
        ("DG1", 21),
        ("ORC", 30),
        ("OBR", 50),
        ("NTE", 4),
        ("OBX", 17),
        ("ZPD", 30),
        ("Z99", 30),
        ("XYZ", 30),
    ] {
        message.push('\r');
        message.push_str(&canary(name, fields));
    }
    message.push_str("\rOBX|1|TX|1^A|1|CANARY|CANARY|||||||||||CANARY|PUMP7^^0012^EUI-64");
    message.push_str(
        "\rPRT|1|UC||AUT|CANARY^CANARY|CANARY|CANARY|CANARY|CANARY||CANARY|CANARY|CANARY|CANARY|CANARY",
    );
    message.push_str("\rCANARY without a segment name\rMSA|AE|CANARY|CANARY\rERR|CANARY\r\x1c\r");
    for size in [1, 7, 100, message.len()] {
        let (mut bench, mut hl7) = bench();
        let parts: Vec<&[u8]> = message.as_bytes().chunks(size).collect();
        feed(&mut bench, &mut hl7, &parts);
        let text = bench.all_text();
        assert!(!text.contains("CANARY"), "{text}");
        assert!(text.contains("hl7v2 PID-3 PID-4 PID-5") && text.contains("PV1-19") && text.contains("Z.."));
        assert!(text.contains("PUMP7^^0012^EUI-64"));
    }
}
