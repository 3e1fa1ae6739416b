//! Changes of zones as plain data: what an act or an import would do, to be read before it is done.

use super::{RULES_MAX, ZONES_MAX};
use model::{NotAZone, Zone, ZoneName, ZoneRule, ZoneSource};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt;

/// One change. Zones are named by name, which is theirs alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneChange {
    /// A zone that was not there.
    Create {
        /// Its name.
        name: ZoneName,
        /// What it is for.
        purpose: SmolStr,
        /// Where it comes from.
        source: ZoneSource,
    },
    /// Another name.
    Rename {
        /// The zone.
        zone: ZoneName,
        /// Its new name.
        to: ZoneName,
    },
    /// Another purpose.
    Describe {
        /// The zone.
        zone: ZoneName,
        /// Its new purpose.
        purpose: SmolStr,
    },
    /// The zone and its rules are no more.
    Delete {
        /// The zone.
        zone: ZoneName,
    },
    /// One more rule.
    AddRule {
        /// The zone.
        zone: ZoneName,
        /// The rule.
        rule: ZoneRule,
        /// Where it comes from.
        source: ZoneSource,
    },
    /// One rule fewer.
    RemoveRule {
        /// The zone.
        zone: ZoneName,
        /// The rule.
        rule: ZoneRule,
    },
}

impl fmt::Display for ZoneChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name, .. } => write!(f, "make zone {name}"),
            Self::Rename { zone, to } => write!(f, "call zone {zone} {to}"),
            Self::Describe { zone, .. } => write!(f, "change the purpose of zone {zone}"),
            Self::Delete { zone } => write!(f, "delete zone {zone} and its rules"),
            Self::AddRule { zone, rule, .. } => write!(f, "put {rule} into zone {zone}"),
            Self::RemoveRule { zone, rule } => write!(f, "take {rule} out of zone {zone}"),
        }
    }
}

/// Makes the change.
///
/// # Errors
/// In words, where it cannot be made; nothing is changed then.
pub fn apply(zones: &mut Vec<Zone>, change: &ZoneChange) -> Result<(), String> {
    match change {
        ZoneChange::Create { name, purpose, source } => {
            free(zones, name)?;
            if zones.len() >= ZONES_MAX {
                return Err(format!("there are {ZONES_MAX} zones, which is the most: delete some first"));
            }
            let (name, purpose) = (name.clone(), purpose.clone());
            zones.push(Zone { id: None, name, purpose, source: *source, rules: Vec::new() });
        }
        ZoneChange::Rename { zone, to } => {
            if zone.folded() != to.folded() {
                free(zones, to)?;
            }
            find(zones, zone)?.name = to.clone();
        }
        ZoneChange::Describe { zone, purpose } => find(zones, zone)?.purpose = purpose.clone(),
        ZoneChange::Delete { zone } => {
            find(zones, zone)?;
            zones.retain(|one| one.name.folded() != zone.folded());
        }
        ZoneChange::AddRule { zone, rule, source } => add_rule(zones, zone, *rule, *source)?,
        ZoneChange::RemoveRule { zone, rule } => {
            let found = find(zones, zone)?;
            let before = found.rules.len();
            found.rules.retain(|(one, _)| one != rule);
            if found.rules.len() == before {
                return Err(format!("zone {zone} has no rule for {rule}: look at it again"));
            }
        }
    }
    Ok(())
}

fn add_rule(zones: &mut [Zone], zone: &ZoneName, rule: ZoneRule, source: ZoneSource) -> Result<(), String> {
    if let Some(holder) = zones.iter().find(|one| one.rules.iter().any(|(other, _)| is_same(other, &rule))) {
        return Err(format!("{rule} is a rule of zone {} already: take it out there first", holder.name));
    }
    if zones.iter().map(|one| one.rules.len()).sum::<usize>() >= RULES_MAX {
        return Err(format!("there are {RULES_MAX} rules, which is the most: remove some first"));
    }
    find(zones, zone)?.rules.push((rule, source));
    Ok(())
}

/// Two rules that would always contradict each other in two zones: about the very same addresses, or one VLAN.
fn is_same(a: &ZoneRule, b: &ZoneRule) -> bool {
    a == b || a.addresses().is_some() && a.addresses() == b.addresses()
}

fn free(zones: &[Zone], name: &ZoneName) -> Result<(), String> {
    let taken = zones.iter().any(|zone| zone.name.folded() == name.folded());
    if taken { Err(format!("there is a zone {name} already: choose another name")) } else { Ok(()) }
}

fn find<'z>(zones: &'z mut [Zone], name: &ZoneName) -> Result<&'z mut Zone, String> {
    let found = zones.iter_mut().find(|zone| zone.name.folded() == name.folded());
    found.ok_or_else(|| format!("there is no zone {name}: it may have been deleted meanwhile"))
}

/// A zone as a document wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: ZoneName,
    /// What it is for; empty: the document does not say.
    pub purpose: SmolStr,
    /// Its rules.
    pub rules: Vec<ZoneRule>,
}

/// What makes `zones` as `wanted`: zones that are missing, purposes that differ, rules that are missing or elsewhere. Nothing is
/// deleted for not being in the document.
///
/// # Errors
/// In words, where the document contradicts itself or a bound is met.
pub fn import(zones: &[Zone], wanted: &[Wanted], source: ZoneSource) -> Result<Vec<ZoneChange>, String> {
    let mut asked: BTreeMap<ZoneRule, &ZoneName> = BTreeMap::new();
    let (mut after, mut changes) = (zones.to_vec(), Vec::new());
    let mut make = |change: ZoneChange, after: &mut Vec<Zone>| -> Result<(), String> {
        apply(after, &change)?;
        changes.push(change);
        Ok(())
    };
    for want in wanted {
        let known = after.iter().find(|zone| zone.name.folded() == want.name.folded()).cloned();
        match &known {
            None => {
                let (name, purpose) = (want.name.clone(), want.purpose.clone());
                make(ZoneChange::Create { name, purpose, source }, &mut after)?;
            }
            Some(known) if !want.purpose.is_empty() && known.purpose != want.purpose => {
                let (zone, purpose) = (known.name.clone(), want.purpose.clone());
                make(ZoneChange::Describe { zone, purpose }, &mut after)?;
            }
            Some(_) => {}
        }
        let zone = known.map_or_else(|| want.name.clone(), |known| known.name);
        for rule in &want.rules {
            if let Some(other) = asked.insert(*rule, &want.name)
                && other.folded() != want.name.folded()
            {
                let name = &want.name;
                let said = format!("{rule} is given to zone {other} and to zone {name}: leave it in one");
                return Err(said);
            }
            let holder = after.iter().find_map(|one| {
                let held = one.rules.iter().find(|(held, _)| is_same(held, rule))?;
                Some((one.name.clone(), held.0))
            });
            match holder {
                Some((name, held)) if name == zone && held == *rule => continue,
                Some((name, held)) => make(ZoneChange::RemoveRule { zone: name, rule: held }, &mut after)?,
                None => {}
            }
            make(ZoneChange::AddRule { zone: zone.clone(), rule: *rule, source }, &mut after)?;
        }
    }
    Ok(changes)
}

impl Wanted {
    /// Reads its name and purpose.
    ///
    /// # Errors
    /// As the model's.
    pub fn new(name: &str, purpose: &str, rules: Vec<ZoneRule>) -> Result<Self, NotAZone> {
        Ok(Self { name: ZoneName::new(name)?, purpose: model::zone_purpose(purpose)?, rules })
    }
}
