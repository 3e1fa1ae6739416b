//! Target: documents of zones.

use formats::zones::{MISTAKES_MAX, read};

/// Must neither panic nor hang on any bytes; what is read has no rule twice, what is refused says why in bounds.
pub fn run(data: &[u8]) {
    match read(data) {
        Ok(document) => {
            let rules = document.zones.iter().flat_map(|zone| &zone.rules);
            let apart: std::collections::BTreeSet<_> = rules.clone().collect();
            assert_eq!(apart.len(), rules.count(), "a rule is in two zones");
        }
        Err(mistakes) => {
            assert!((1..=MISTAKES_MAX).contains(&mistakes.listed.len()), "a refusal without a reason")
        }
    }
}
