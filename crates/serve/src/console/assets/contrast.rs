//! Reads the colours of ward.css, light and dark, and computes the contrast of every pair that the rules put together.
//! WCAG 2.2 §1.4.3 (text: 4.5:1), §1.4.11 (shapes and edges of controls: 3:1).

use super::CSS;
use std::collections::BTreeMap;

type Colours = BTreeMap<String, [u8; 3]>;

/// The colours of a `{…}` of variables.
fn colours(block: &str) -> Colours {
    let pairs = block.split(';').filter_map(|pair| pair.trim().strip_prefix("--")?.split_once(':'));
    pairs.filter_map(|(name, value)| Some((name.trim().to_owned(), hex(value.trim())?))).collect()
}

fn hex(value: &str) -> Option<[u8; 3]> {
    let digits = value.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}

/// The variables of light, and those of dark over them.
fn both() -> [(&'static str, Colours); 2] {
    let blocks: Vec<&str> =
        CSS.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
    let light = colours(blocks[0]);
    let mut dark = light.clone();
    dark.extend(colours(blocks[1]));
    assert_ne!(light, dark);
    [("light", light), ("dark", dark)]
}

fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Every pair that is too close, with how close it is.
fn too_close(front: &str, backs: &[&str], least: f64) -> Vec<String> {
    let mut wrong = Vec::new();
    for (mode, colours) in both() {
        for back in backs {
            let found = contrast(colours[front], colours[*back]);
            if found < least {
                wrong.push(format!("{mode}: --{front} on --{back} is {found:.2}:1, below {least}:1"));
            }
        }
    }
    wrong
}

#[test]
fn the_measure_is_right() {
    assert_eq!(contrast([0; 3], [255; 3]), 21.0);
    assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
}

#[test]
fn words_can_be_read() {
    let grounds = ["bg", "card", "raised", "hatch", "accent-bg"];
    let mut wrong = too_close("ink", &grounds, 7.0);
    wrong.extend(too_close("ink", &["level-1", "level-2", "level-3", "level-4", "level-5"], 4.5));
    wrong.extend(too_close("soft", &["bg", "card", "raised", "accent-bg"], 4.5));
    wrong.extend(too_close("accent", &["bg", "card", "raised", "accent-bg"], 4.5));
    wrong.extend(too_close("accent-strong", &["bg", "card", "raised", "accent-bg"], 4.5));
    wrong.extend(too_close("on-accent", &["accent", "accent-strong"], 4.5));
    for name in ["critical", "high", "medium", "low", "ok", "plain"] {
        wrong.extend(too_close(name, &[&format!("{name}-bg")], 4.5));
    }
    wrong.extend(too_close("high", &["card", "bg"], 4.5));
    wrong.extend(too_close("medium", &["card", "bg"], 4.5));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn shapes_can_be_seen() {
    let mut wrong = too_close("edge", &["bg", "card"], 3.0);
    for name in ["critical", "high", "medium", "low", "unknown"] {
        wrong.extend(too_close(&format!("sev-{name}"), &["card", "bg", "raised"], 3.0));
    }
    for number in 1..=12 {
        wrong.extend(too_close(&format!("zone-{number}"), &["card", "bg", "raised"], 3.0));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_stay_small() {
    assert!(CSS.len() <= 40 << 10, "ward.css has {} bytes", CSS.len());
    assert!(super::SCRIPT.len() <= 30 << 10, "ward.js has {} bytes", super::SCRIPT.len());
    let sent: usize = super::ASSETS.iter().map(|asset| asset.gzip.len()).sum();
    assert!(sent <= 48 << 10, "what every page loads first has {sent} bytes compressed");
}
