//! What keeps the house's data whole and shut: witnesses, keys, the database, backups.

use super::status::{Status, WitnessTold};
use crate::api::{Day, moment};
use crate::console::parts::{badge, grouped, unknown, when};
use crate::console::{Visit, job};
use crate::jobs::{Job, State};
use maud::{Markup, html};

/// Characters of the path of a backup.
const PATH_CHARS_MAX: usize = 1_024;

/// For the page's answer.
pub(super) fn in_short(status: &Status) -> Markup {
    html! {
        @match status.witnesses.as_deref() {
            None => "whether witnesses are configured is not known here",
            Some([]) => "no witness is configured",
            Some([_]) => "1 witness is configured",
            Some(witnesses) => { (witnesses.len()) " witnesses are configured" }
        }
        @if status.backup_at.is_none() { "; no backup was taken since Ward was started" }
    }
}

/// What database it is.
pub(super) fn database(kind: &str) -> String {
    match kind {
        "sqlite" => "SQLite, encrypted (SQLCipher, AES-256)".to_owned(),
        "postgres" => {
            "PostgreSQL; whether its volume is encrypted is in its administrator's hands".to_owned()
        }
        other => other.to_owned(),
    }
}

/// What is known of the database's pages.
pub(super) fn integrity(status: &Status) -> Markup {
    match &status.integrity {
        None => unknown("the running process does not say it"),
        Some(told) => html! {
            @match told.state.as_str() {
                "whole" => (badge("ok", "whole")),
                "damaged" => (badge("bad", "damaged")),
                _ => (badge("unknown", "not looked through")),
            }
            " " (told.words)
        },
    }
}

/// Who vouches for the ledger.
pub(super) fn witnesses(visit: &Visit, status: &Status) -> Markup {
    html! {
        section.card #witnesses {
            h2 { "Witnesses" }
            p { "A witness is somebody else who remembers the newest checkpoint and signs the next one only where it provably follows. It is sent sizes and hashes, never entries or rows. Without one, whoever holds this house's keys could rewrite its history." }
            @match status.witnesses.as_deref() {
                None => p { (unknown("the running process does not say which are configured")) },
                Some([]) => {
                    p { (badge("warn", "none configured")) }
                    (how_to_witness(visit))
                }
                Some(witnesses) => {
                    div.scroll { table.data {
                        thead { tr { th scope="col" { "Witness" } th scope="col" { "Asked at" } th scope="col" { "Said last" } } }
                        tbody { @for witness in witnesses { tr { th scope="row" { (witness.name) } td.mono { (witness.url) } td { (said(witness)) } } } }
                    } }
                    details { summary { "How to add one" } (how_to_witness(visit)) }
                }
            }
            p { a href="/prove#checkpoint" { "The newest checkpoint, and asking now" } }
        }
    }
}

fn said(witness: &WitnessTold) -> Markup {
    let words = witness.words.as_deref().unwrap_or("");
    match witness.cosigned {
        None => html! { (unknown("it has not been asked since Ward was started")) },
        Some(true) => html! { (badge("ok", "cosigned")) " " (words) },
        Some(false) => html! { (badge("warn", "did not cosign")) " " (words) },
    }
}

fn how_to_witness(visit: &Visit) -> Markup {
    html! {
        ol {
            li { "Ask another hospital, or your auditor, to run a C2SP witness: " code { "ward witness" } " is one." }
            li { "Give its operator the verifier key of this ledger (" span.mono { (visit.house.site.origin) } "): " code { "ward ledger show --key" } "." }
            li { "Take its verifier key and put both into " code { "ward.toml" } ", then start Ward again:" }
        }
        pre { "[[ledger.witnesses]]\nname = \"witness.example/w1\"\nurl = \"https://witness.example\"\nkey = \"witness.example/w1+id+key\"" }
    }
}

/// What is encrypted under what.
pub(super) fn keys(status: &Status) -> Markup {
    let from = status.kek.as_deref().map(|kind| match kind {
        "file" => "a file outside of Ward's folder".to_owned(),
        "passphrase" => "a passphrase".to_owned(),
        "credential" => "a credential of the service manager".to_owned(),
        "pkcs11" => "a PKCS#11 token: it never leaves it".to_owned(),
        other => other.to_owned(),
    });
    html! {
        section.card {
            h2 { "Keys and encryption" }
            p { "One key lies outside of Ward's folder, the key-encryption key. It wraps all others, in " code { "keyring.json" } ". Without both nothing can be read, by anybody; there is no second key at the maker's." }
            dl.facts {
                dt { "It comes from" } dd { (status.known(from)) }
                dt { "Database" } dd { (status.known(status.database.as_deref().map(database))) }
                dt { "Backups" } dd { "AES-256-GCM, each under a key of its own" }
                dt { "Sealed values" } dd { "a data key for each subject, wrapped by a master key; deleting it erases them" }
                dt { "Ledger" } dd { "checkpoints signed with Ed25519; entries are not secret" }
            }
            p.muted { "Copy two things, to two places: the key-encryption key, and " code { "keyring.json" } " after every rotation. Keys are rotated in the terminal, not here: " code { "ward keys rotate" } "." }
        }
    }
}

/// The last backup, and the next.
pub(super) fn backup(visit: &Visit, status: &Status, newest: Option<&Job>) -> Markup {
    let is_running = newest.is_some_and(|job| job.state == State::Running);
    html! {
        section.card #backup {
            h2 { "Backup" }
            @if let Some(job) = newest { (told(visit, job)) }
            @else {
                p {
                    "Last backup: "
                    @match status.backup_at.as_deref().and_then(|at| moment("backup_at", at, &visit.house.site.zone, Day::Starts).ok()) {
                        Some(at) => (when(at, visit.now, &visit.house.site.zone)),
                        None => { (unknown("Ward remembers those that were taken through it since it was started, and no others")) ", none since Ward was started." }
                    }
                }
            }
            @if !is_running {
                p { "A backup is one encrypted file with every row, entry and checkpoint of one moment, read again and compared before it is believed. Listening goes on meanwhile." }
                form method="post" action="/settings/backup" {
                    label {
                        span { "New file on Ward's machine" }
                        input name="path" required maxlength=(PATH_CHARS_MAX) pattern="/.+\\.backup" placeholder="/mnt/backups/ward-2026-11-22.backup" aria-describedby="backup-help";
                        small #backup-help { "An absolute path that ends with .backup, in a folder that is there and that Ward's user may write. Nothing is ever overwritten." }
                    }
                    button.primary { "Take a backup" }
                }
            }
            details {
                summary { "How to restore one" }
                ol {
                    li { "Install Ward on an empty machine and put the key-encryption key where " code { "ward.toml" } " says. The backup alone opens nowhere." }
                    li { code { "ward restore FILE" } ": it checks the whole file, then every row against the ledger, and only then makes it the store." }
                    li { "To try it beside the store in use: " code { "ward restore FILE --store NEW_FOLDER" } "." }
                    li { "Give witnesses the verifier key of the restored ledger: it goes on under a name of its own." }
                }
                p { "What was erased after a backup was taken is still in it. Keep backups no longer than you promised to forget." }
            }
        }
    }
}

fn told(visit: &Visit, job: &Job) -> Markup {
    let at = |at| when(at, visit.now, &visit.house.site.zone);
    match &job.state {
        State::Running => job::progress(visit, job),
        State::Failed(ended, why) => html! {
            p.notice.bad role="alert" { "There is no backup: " (why) " (" (at(*ended)) ")" }
        },
        State::Done(ended, outcome) => {
            let number = |name: &str| outcome.get(name).and_then(serde_json::Value::as_u64);
            html! {
                p { (badge("ok", "backed up")) " " (at(*ended)) ", asked for by " (job.asked_by) }
                dl.facts {
                    dt { "File" } dd.mono { (outcome.get("path").and_then(serde_json::Value::as_str).unwrap_or("not told")) }
                    @if let (Some(rows), Some(leaves)) = (number("rows"), number("leaves")) {
                        dt { "Holds" } dd { (grouped(rows)) " rows, " (grouped(leaves)) " entries" }
                    }
                }
            }
        }
    }
}
