//! Prefixes and VLANs as NetBox's API lists them: `{"results": […]}`, or the list alone.

use super::{Document, Gathered, LINES_MAX, Mistakes, Words, is_no_place};
use model::ZoneSource;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Page { results: Vec<Object>, next: Option<String> },
    List(Vec<Object>),
}

/// A prefix or a VLAN; NetBox has more fields, which say nothing of zones.
#[derive(Deserialize)]
struct Object {
    prefix: Option<String>,
    vid: Option<u16>,
    name: Option<String>,
    vlan: Option<Vlan>,
    role: Option<Named>,
    status: Option<Named>,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Vlan {
    vid: u16,
    name: Option<String>,
}

/// What NetBox writes as an object in an answer, and as a word in a request.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Whole { name: Option<String>, value: Option<String> },
    Word(String),
    Number(serde::de::IgnoredAny),
}

impl Named {
    fn word(&self) -> &str {
        match self {
            Self::Whole { name, value } => name.as_deref().or(value.as_deref()).unwrap_or_default(),
            Self::Word(word) => word,
            Self::Number(serde::de::IgnoredAny) => "",
        }
    }
}

pub(super) fn read(text: &str) -> Result<Document, Mistakes> {
    let answer: Answer = serde_json::from_str(text).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => {
                "this is no list of NetBox's prefixes or VLANs: {\"results\": [{\"prefix\": \"10.20.0.0/16\", …}]}".into()
            }
            _ => format!("this is no JSON: {error}"),
        };
        Mistakes::one(error.line().max(1), what)
    })?;
    let (objects, next) = match answer {
        Answer::Page { results, next } => (results, next),
        Answer::List(results) => (results, None),
    };
    if next.is_some() {
        let what = "this is one page of several: ask NetBox with ?limit=0, so that all is in one";
        return Err(Mistakes::one(1, what));
    }
    if objects.len() > LINES_MAX {
        return Err(Mistakes::one(1, format!("there are more than {LINES_MAX} objects: import it in parts")));
    }
    let mut gathered = Gathered::default();
    objects.iter().enumerate().for_each(|(at, object)| take(at + 1, object, &mut gathered));
    gathered.done(ZoneSource::Netbox)
}

fn take(number: usize, object: &Object, gathered: &mut Gathered) {
    let status = object.status.as_ref().map(Named::word).unwrap_or_default();
    if is_no_place(status) {
        gathered.skipped += 1;
        return;
    }
    let prefix = object.prefix.as_deref().unwrap_or_default();
    let vid = object.vid.or(object.vlan.as_ref().map(|vlan| vlan.vid));
    if prefix.is_empty() && vid.is_none() {
        gathered.mistakes.add(number, "this object has neither a prefix nor a vid");
        return;
    }
    let vlan = vid.map(|vid| vid.to_string()).unwrap_or_default();
    let of_vlan = object.vlan.as_ref().and_then(|vlan| vlan.name.as_deref());
    let role = object.role.as_ref().map(Named::word);
    let names =
        [object.name.as_deref(), role, of_vlan, Some(&*object.description), Some(prefix), Some(&*vlan)];
    let name = names.into_iter().flatten().find(|name| !name.trim().is_empty()).unwrap_or_default();
    let subnets = Some(prefix).filter(|prefix| !prefix.is_empty()).into_iter().collect();
    gathered.take(number, &Words { name, purpose: &object.description, vlan: &vlan, subnets });
}
