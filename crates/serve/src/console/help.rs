//! Pages that explain: the keys, and how each switch maker mirrors a port.
//!
//! Recipes are data, `data/mirrors/recipes.toml`; what they say is the maker's word, and the page says whether anybody tried it.

use super::{Page, Room, Shown, Visit, layout};
use crate::house::House;
use axum::Router;
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::LazyLock;

const RECIPES: &str = include_str!("../../../../data/mirrors/recipes.toml");

/// How one system mirrors a port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    id: String,
    maker: String,
    system: String,
    #[serde(default)]
    commands: String,
    #[serde(default)]
    steps: Vec<String>,
    #[serde(default)]
    check: String,
    undo: String,
    notes: Vec<String>,
    source: String,
    tried: Tried,
}

/// Whether anybody ran it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tried {
    Documentation,
    Device,
}

#[derive(Deserialize)]
struct Recipes {
    recipe: Vec<Recipe>,
}

/// Empty where the file cannot be read, which a test rules out.
static ALL: LazyLock<Vec<Recipe>> =
    LazyLock::new(|| toml::from_str::<Recipes>(RECIPES).map(|read| read.recipe).unwrap_or_default());

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/help/keys", get(keys)).route("/help/mirror", get(mirror))
}

async fn keys(visit: Visit) -> Shown {
    let answer = html! { "Everything can be reached by keyboard; these are the short ways." };
    let body = html! { section.card { h2 { "Keys" } (layout::keys()) } };
    Ok(Page::new(&visit, None, "Keys", answer, body))
}

async fn mirror(visit: Visit) -> Shown {
    let answer = html! {
        "Have the switch copy the traffic of your medical VLANs to one port, and connect that port to Ward. Ward never transmits on it."
    };
    Ok(Page::new(&visit, Some(Room::Settings), "Mirror ports", answer, mirror_page()))
}

fn mirror_page() -> Markup {
    html! {
        section.card {
            h2 { "Which switch?" }
            ul.chips { @for recipe in ALL.iter() { li { a.chip href={ "#" (recipe.id) } { (recipe.maker) " " (recipe.system) } } } }
        }
        (before())
        @for recipe in ALL.iter() { (card(recipe)) }
        (caveats())
    }
}

fn before() -> Markup {
    html! {
        section.card {
            h2 { "Before you type anything" }
            ul {
                li { "Choose the place: where the VLANs of medical devices meet their servers, most often the distribution or core switch. A mirror on an access switch sees one floor." }
                li { "Mirror both directions. Ward says so in its honesty box when it sees one side only." }
                li { "Keep VLAN tags, so that Ward can tell one VLAN from another." }
                li { "Replace example ports, VLANs and names in CAPITALS by yours, and follow your change procedure: a wrong destination port cuts off what is connected there." }
                li { "On the machine: " code { "ward doctor" } " says whether the interface is fit; " code { "--prepare-interface" } " takes its addresses away, so that it can only listen." }
            }
        }
    }
}

fn card(recipe: &Recipe) -> Markup {
    html! {
        section.card #(recipe.id) {
            header {
                h2 { (recipe.maker) " " (recipe.system) }
                @match recipe.tried {
                    Tried::Documentation => span.badge.unknown { "from the maker's documentation; not run by us" },
                    Tried::Device => span.badge.ok { "run on a device" },
                }
            }
            @if !recipe.steps.is_empty() { ol { @for step in &recipe.steps { li { (step) } } } }
            @if !recipe.commands.is_empty() { (typed(&recipe.id, "commands", recipe.commands.trim())) }
            @if !recipe.check.is_empty() { h3 { "See that it is there" } (typed(&recipe.id, "check", &recipe.check)) }
            h3 { "Take it away again" }
            @if recipe.commands.is_empty() { p { (recipe.undo) } } @else { (typed(&recipe.id, "undo", &recipe.undo)) }
            h3 { "Mind" }
            ul { @for note in &recipe.notes { li { (with_code(note)) } } }
            p.muted { small { "Source: " (recipe.source) "." } }
        }
    }
}

/// Commands with a button that copies them.
fn typed(id: &str, part: &str, commands: &str) -> Markup {
    let target = format!("{id}-{part}");
    html! {
        pre { code #(target) { (commands) } }
        p { button.quiet.needs-script type="button" data-copy=(target) { "Copy" } }
    }
}

/// Words in backquotes are commands.
fn with_code(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn caveats() -> Markup {
    html! {
        section.card {
            h2 { "What a mirror cannot do" }
            dl.facts {
                dt { "Oversubscription" }
                dd { "A mirror of twenty ports of 1 Gbit/s, both directions, can be 40 Gbit/s: what does not fit into the destination port is dropped by the switch, and no counter on Ward's side shows it. Mirror VLANs rather than everything, use a faster port, and compare the switch's output drops on that port. Ward notices it as bytes missing in streams." }
                dt { "RSPAN" }
                dd { "Carries mirrored frames to another switch in a VLAN of its own. That VLAN must exist on every switch between, with learning off and nobody in it, and it takes its share of every trunk. Original VLAN tags are often lost on the way: Ward then shows one VLAN only." }
                dt { "ERSPAN" }
                dd { "Carries mirrored frames in GRE (IP protocol 47) to an address. Ward reads GRE with ERSPAN type II and III where it sees such packets, but its listening interface has no address and answers nothing: let a switch port near Ward end the tunnel, or mirror the port where the packets pass. Frames grow by 50 bytes and are fragmented or cut where the way does not take them." }
                dt { "Duplicates" }
                dd { "A frame that is mirrored where it enters and where it leaves comes twice. Ward counts and sets aside what it recognises as the same." }
                dt { "Hidden traffic" }
                dd { "Two devices on one access switch may talk without ever passing the mirror. Ward cannot see that, and does not call it clean." }
                dt { "A TAP instead" }
                dd { "An optical or copper TAP drops nothing and cannot be misconfigured; for the link to the imaging archive it is worth its price." }
            }
        }
        section.card {
            h2 { "Ward never transmits" }
            p { "There is no code in Ward that sends on the interface it listens on; the system call is denied to that process, and Ward refuses an interface that has an address, or ARP or IPv6 on. If Ward dies or is switched off, nothing on your network changes." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_recipe_is_whole() {
        let read: Recipes = toml::from_str(RECIPES).unwrap();
        let ids: BTreeSet<&str> = read.recipe.iter().map(|recipe| recipe.id.as_str()).collect();
        assert_eq!(ids.len(), read.recipe.len());
        for recipe in &read.recipe {
            let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(recipe.id.chars().all(is_id), "{}", recipe.id);
            assert_ne!(
                recipe.commands.is_empty(),
                recipe.steps.is_empty(),
                "{}: commands or steps",
                recipe.id
            );
            assert!(
                !recipe.undo.is_empty() && recipe.source.len() > 20 && !recipe.notes.is_empty(),
                "{}",
                recipe.id
            );
        }
        for maker in [
            "Cisco",
            "HPE Aruba",
            "Juniper",
            "Arista",
            "Extreme",
            "MikroTik",
            "Ubiquiti",
            "VMware",
            "Microsoft",
        ] {
            assert!(read.recipe.iter().any(|recipe| recipe.maker == maker), "{maker}");
        }
    }
}
