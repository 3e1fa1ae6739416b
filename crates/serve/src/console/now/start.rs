//! Now, on a site where no device was heard yet: what to do, in order, and what was heard so far.

use super::{Known, honesty};
use crate::console::parts::{bytes, count};
use crate::console::{Page, Room, Visit};
use maud::{Markup, html};

/// The page.
pub(super) fn page(visit: &Visit, known: &Known) -> Page {
    let total = known.sight.total();
    let answer = html! {
        @if total.frames > 0 {
            "No device yet, although " (count(total.frames as usize, "frame")) " (" (bytes(total.bytes)) ") were heard: a first device appears within a minute of its first packet."
        } @else {
            "Nothing has been heard yet. Three steps and the first devices appear within a minute."
        }
    };
    let body = html! {
        section.card {
            h2 { "How to begin" }
            ol.steps {
                (mirror(total.frames))
                (capture(visit, known))
                (names())
            }
        }
        section.card {
            h2 { "Only looking?" }
            p { code { "ward demo" } " opens this console on a made-up hospital; " code { "ward scan FILE" } " reads one capture and prints what is in it." }
        }
        @if !known.sight.sensors.is_empty() { (honesty::detail(visit, known)) }
    };
    Page::new(visit, Some(Room::Now), "Now", answer, body)
}

fn done(is_done: bool) -> Option<&'static str> {
    is_done.then_some("done")
}

fn mirror(frames: u64) -> Markup {
    html! {
        li class=[done(frames > 0)] {
            h3 { "Mirror a port" }
            p { "Have the switch copy the VLANs of your medical devices to one port, and connect it to this machine. Ward only listens: it never transmits there." }
            p { a.button.primary href="/help/mirror" { "Recipes per switch maker" } }
            p.muted { @if frames > 0 { "Heard so far: " (count(frames as usize, "frame")) "." } @else { "Heard so far: nothing." } }
        }
    }
}

fn capture(visit: &Visit, known: &Known) -> Markup {
    let configured = &visit.house.site.sources;
    html! {
        li class=[done(!configured.is_empty())] {
            h3 { "Tell Ward where to listen" }
            @if configured.is_empty() {
                p { "No interface and no folder is configured. In " code { "ward.toml" } ", one of these or both, then start Ward again:" }
                pre { code #listen-example { "[[listen]]\ninterface = \"mirror0\"\nprepare_interface = true\n\n[[watch]]\nfolder = \"/var/spool/ward\"\n" } }
                p { button.quiet.needs-script type="button" data-copy="listen-example" { "Copy" } }
                p.muted { code { "ward doctor" } " says whether the interface is fit to listen on." }
            } @else {
                ul {
                    @for source in configured {
                        li {
                            (source.kind) " " span.mono { (source.name) }
                            @if known.sources.iter().any(|row| row.source.contains(&source.name)) { ": heard" } @else { ": nothing heard yet" }
                        }
                    }
                }
                p.muted { "If nothing comes within a minute: is the cable in, is the mirror on, does " code { "ward doctor" } " find fault?" }
            }
        }
    }
}

fn names() -> Markup {
    html! {
        li {
            h3 { "Leases or CMMS?" }
            p { "Not needed to begin. DHCP that passes the mirror names many devices by itself: have the mirror include the VLAN of your DHCP relay or server." }
            p { "Zones can be imported now, from a CSV file or a NetBox export: " a href="/settings/zones" { "Zones" } ". Reading lease files and exports of the maintenance system is not there yet." }
        }
    }
}
