//! HL7 v2 over MLLP with a canary in every patient field, component, subcomponent and repetition.

use super::{Canaries, Tcp};

/// Fields of the patient segments in v2.6.
const PATIENT_SEGMENTS: [(&str, usize); 12] = [
    ("PID", 39),
    ("PD1", 21),
    ("NK1", 39),
    ("PV1", 52),
    ("PV2", 49),
    ("AL1", 6),
    ("DG1", 21),
    ("GT1", 57),
    ("IN1", 53),
    ("IN2", 72),
    ("MRG", 7),
    ("ROL", 12),
];

fn mllp(segments: &[String]) -> Vec<u8> {
    [b"\x0b", segments.join("\r").as_bytes(), b"\r\x1c\r"].concat()
}

fn header(kind: &str, canaries: &mut Canaries) -> String {
    // MSH-8 is a password, MSH-10 often a case number.
    let (security, control) = (canaries.next(), canaries.next());
    format!("MSH|^~\\&|MONITOR7|ICU|EHR|HOSP|20261121120000|{security}|{kind}|{control}|P|2.6")
}

/// Components, subcomponents and a repetition, each with its own canary.
fn field(canaries: &mut Canaries) -> String {
    let mut next = || canaries.next();
    format!("{}^{}&{}^^{}~{}", next(), next(), next(), next(), next())
}

/// A segment with set ID 1 and every other field filled.
fn filled(name: &str, fields: usize, canaries: &mut Canaries) -> String {
    let values: Vec<String> = (2..=fields).map(|_| field(canaries)).collect();
    format!("{name}|1|{}", values.join("|"))
}

fn site_segments(canaries: &mut Canaries) -> Vec<String> {
    ["ZPI", "ZZZ", "Z01"].map(|name| filled(name, 12, canaries)).to_vec()
}

fn ack(code: &str, canaries: &mut Canaries) -> Vec<u8> {
    let mut next = || canaries.next();
    let told = format!("MSA|{code}|{}|{}", next(), next());
    let error = format!("ERR|{}|{}||E|{}|{}|{}|{}", next(), next(), next(), next(), next(), next());
    let header = format!("MSH|^~\\&|EHR|HOSP|MONITOR7|ICU|20261121120001|{}|ACK|{}|P|2.6", next(), next());
    mllp(&[header, told, error])
}

/// ADT^A01 with every segment that an admission may have.
pub fn admission(canaries: &mut Canaries) -> Tcp {
    let mut segments = vec![header("ADT^A01^ADT_A01", canaries)];
    segments.push(format!("EVN|A01|20261121120000||{}|{}|", field(canaries), field(canaries)));
    segments.extend(PATIENT_SEGMENTS.iter().map(|(name, fields)| filled(name, *fields, canaries)));
    segments.extend(site_segments(canaries));
    Tcp {
        name: "hl7 admission",
        port: 2575,
        said: vec![(0, mllp(&segments)), (1, ack("AA", canaries))],
        found: &[("phi-in-clear", "hl7v2")],
        verb: "ADT^A01",
    }
}

/// Two ORU^R01 with results, notes and a report longer than is read.
pub fn observations(canaries: &mut Canaries) -> Tcp {
    let mut said = Vec::new();
    for _ in 0..2 {
        let mut segments = vec![header("ORU^R01^ORU_R01", canaries)];
        segments.push(filled("PID", 30, canaries));
        segments.push(filled("PV1", 44, canaries));
        segments.push(filled("ORC", 30, canaries));
        segments.push(filled("OBR", 50, canaries));
        segments.push(filled("NTE", 4, canaries));
        for set in 1..4 {
            // Everything but the equipment (OBX-18), which is there to be read.
            let before: Vec<String> = (4..=17).map(|_| field(canaries)).collect();
            let equipment = if set == 1 { "PUMP7^ACME^0019FBFFFE010203^EUI-64" } else { "" };
            segments.push(format!(
                "OBX|{set}|NM|150456^SpO2^MDC|{}|{equipment}||{}",
                before.join("|"),
                field(canaries)
            ));
            segments.push(filled("NTE", 4, canaries));
        }
        // PRT-5 is a person, PRT-10 a device.
        segments.push(format!("PRT|1|AD||{}|{}||||PUMP8^ACME", field(canaries), field(canaries)));
        let report = format!("{}{}", canaries.next(), "JVBERi0xLjQK".repeat(2000));
        segments
            .push(format!("OBX|9|ED|PDF^Report||^application^pdf^Base64^{report}{}||||||F", canaries.next()));
        segments.extend(site_segments(canaries));
        said.push((0, mllp(&segments)));
        said.push((1, ack("AA", canaries)));
    }
    Tcp { name: "hl7 observations", port: 6661, said, found: &[("phi-in-clear", "hl7v2")], verb: "ORU^R01" }
}

/// A message that declares other delimiters than the usual ones.
pub fn odd_separators(canaries: &mut Canaries) -> Tcp {
    let mut said = Vec::new();
    let mut segments = vec![header("ADT^A08^ADT_A01", canaries)];
    segments
        .extend([("PID", 30), ("PV1", 30), ("NK1", 12)].map(|(name, fields)| filled(name, fields, canaries)));
    segments.extend(site_segments(canaries));
    let odd = |c: char| match c {
        '|' => '#',
        '^' => '*',
        '~' => '!',
        '\\' => '/',
        '&' => '+',
        other => other,
    };
    let text: String = segments.join("\r").chars().map(odd).collect();
    said.push((0, mllp(&[text])));
    said.push((1, ack("AA", canaries)));
    Tcp {
        name: "hl7 with odd separators",
        port: 2575,
        said,
        found: &[("phi-in-clear", "hl7v2")],
        verb: "ADT^A08",
    }
}

/// Errors that quote what they complain about.
pub fn refusal(canaries: &mut Canaries) -> Tcp {
    let query = vec![
        header("QBP^Q22^QBP_Q21", canaries),
        format!("QPD|Q22^Find|{}|@PID.5.1^{}~@PID.3^{}", canaries.next(), canaries.next(), canaries.next()),
        filled("PID", 12, canaries),
        "RCP|I|10^RD".to_owned(),
    ];
    let said = vec![(0, mllp(&query)), (1, ack("AE", canaries)), (0, mllp(&query)), (1, ack("AR", canaries))];
    Tcp { name: "hl7 refusal", port: 2575, said, found: &[("phi-in-clear", "hl7v2")], verb: "QBP^Q22" }
}
