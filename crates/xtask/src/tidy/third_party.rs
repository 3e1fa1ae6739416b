//! Other people's files: each with its licence, source, version and sha256; and the crates that we link.

use super::tree::Tree;
use crate::licences::{self, Linked};
use crate::run::cargo;
use sha2::{Digest as _, Sha256};

/// The list of other people's files.
const MANIFEST: &str = "third_party/MANIFEST.toml";
/// What every `[[asset]]` says.
const FIELDS: &[&str] = &["path", "licence", "source", "version", "sha256"];
/// Files of our own that may stand beside them.
const OURS: &[&str] = &["README.md", "MANIFEST.toml"];

pub(crate) fn assets(tree: &Tree) -> Vec<String> {
    let listed = listed(tree);
    let mut complaints: Vec<String> = listed.iter().flat_map(|asset| asset_complaints(tree, asset)).collect();
    let unlisted = tree.under("third_party/").filter(|file| {
        let name = file.rsplit('/').next().unwrap_or(file);
        let ours = OURS.contains(&name) || name.ends_with(".sh") || name.starts_with("LICENSE");
        !ours && listed.iter().all(|asset| path_of(asset) != *file)
    });
    complaints.extend(
        unlisted
            .map(|file| format!("{file}: not in {MANIFEST}: add an [[asset]] with {}", FIELDS.join(", "))),
    );
    complaints
}

fn listed(tree: &Tree) -> Vec<toml::Table> {
    let manifest: toml::Table = toml::from_str(&tree.read(MANIFEST)).unwrap_or_default();
    let assets = manifest.get("asset").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    assets.into_iter().filter_map(|asset| asset.as_table().cloned()).collect()
}

/// Paths are given from `third_party/`.
fn path_of(asset: &toml::Table) -> String {
    format!("third_party/{}", field(asset, "path"))
}

fn field<'a>(asset: &'a toml::Table, name: &str) -> &'a str {
    asset.get(name).and_then(toml::Value::as_str).unwrap_or("")
}

fn asset_complaints(tree: &Tree, asset: &toml::Table) -> Vec<String> {
    let path = path_of(asset);
    let mut complaints: Vec<String> = FIELDS
        .iter()
        .filter(|name| field(asset, name).trim().is_empty())
        .map(|name| format!("{MANIFEST}: {path} does not say its {name}"))
        .collect();
    if !tree.has(&path) {
        complaints.push(format!("{MANIFEST}: {path} does not exist: remove its [[asset]]"));
        return complaints;
    }
    let found = sha256_hex(&tree.bytes(&path));
    if found != field(asset, "sha256") {
        complaints.push(format!(
            "{path}: sha256 is {found}, not what {MANIFEST} says: restore it, or update version and sha256"
        ));
    }
    complaints
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// No crate that deny.toml bans is linked (cargo-deny says the same; this needs nothing installed). Cargo.lock also lists
/// optional dependencies that no feature switches on: those are not.
pub(crate) fn banned_crates(tree: &Tree) -> Vec<String> {
    let deny: toml::Table = toml::from_str(&tree.read("deny.toml")).unwrap_or_default();
    let banned = deny.get("bans").and_then(|bans| bans.get("deny")).and_then(toml::Value::as_array);
    let lock: toml::Table = toml::from_str(&tree.read("Cargo.lock")).unwrap_or_default();
    let locked = lock.get("package").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let name = |entry: &toml::Value, key: &str| {
        entry.get(key).and_then(toml::Value::as_str).unwrap_or("").to_owned()
    };
    let Some(banned) = banned else {
        return vec!["deny.toml: [bans] deny is missing: it says which crates must not be linked".to_owned()];
    };
    // The tree as built; `cargo metadata` would also show what no feature switches on.
    let is_linked = |krate: &str| {
        let arguments =
            ["tree", "--workspace", "--all-features", "--edges", "normal,build", "--invert", krate];
        let told = cargo(tree.root(), &arguments).output();
        told.map_or(true, |told| !told.status.success() || !told.stdout.is_empty())
    };
    banned
        .iter()
        .filter(|ban| locked.iter().any(|package| name(package, "name") == name(ban, "crate")))
        .filter(|ban| is_linked(&name(ban, "crate")))
        .map(|ban| {
            let (krate, why) = (name(ban, "crate"), name(ban, "reason"));
            format!("Cargo.lock: {krate} is banned by deny.toml: {why}. `cargo tree -i {krate}` says who brings it")
        })
        .collect()
}

/// The licence of every crate that the product links is one that deny.toml allows.
pub(crate) fn crate_licences(tree: &Tree) -> Vec<String> {
    let deny: toml::Table = toml::from_str(&tree.read("deny.toml")).unwrap_or_default();
    let allowed =
        deny.get("licenses").and_then(|licences| licences.get("allow")).and_then(toml::Value::as_array);
    let allowed: Vec<String> =
        allowed.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect();
    match licences::linked(tree.root()) {
        Ok(linked) => not_allowed(&linked, &allowed),
        Err(error) => vec![format!("{error:#}")],
    }
}

fn not_allowed(linked: &[Linked], allowed: &[String]) -> Vec<String> {
    let bad = linked.iter().filter(|linked| !licences::is_allowed(&linked.licence, allowed));
    bad.map(|Linked { name, version, licence, .. }| {
        format!("{name} {version}: `{licence}` cannot be met by what deny.toml allows: use another crate, or allow it there")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::planted;
    use super::*;

    const HTMX: &str =
        "[[asset]]\npath = \"htmx.js\"\nlicence = \"0BSD\"\nsource = \"https://htmx.org\"\nversion = \"2\"\n";

    #[test]
    fn sha256_is_the_real_one() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_listed_asset_passes() {
        let manifest = format!("{HTMX}sha256 = \"{}\"\n", sha256_hex(b"js"));
        let tree =
            planted(&[(MANIFEST, &manifest), ("third_party/htmx.js", "js"), ("third_party/README.md", "")]);
        assert_eq!(assets(&tree), Vec::<String>::new());
    }

    #[test]
    fn a_changed_an_unlisted_and_a_vanished_asset_are_named() {
        let gone = "[[asset]]\npath = \"gone.js\"\nsource = \"x\"\nversion = \"1\"\nsha256 = \"00\"\n";
        let manifest = format!("{HTMX}sha256 = \"00\"\n{gone}");
        let tree =
            planted(&[(MANIFEST, &manifest), ("third_party/htmx.js", "js"), ("third_party/stray.js", "")]);
        let complaints = assets(&tree);
        assert_eq!(complaints.len(), 4, "{complaints:?}");
        assert!(complaints[0].starts_with("third_party/htmx.js: sha256 is"), "{complaints:?}");
        assert!(complaints[1].contains("gone.js does not say its licence"), "{complaints:?}");
        assert!(complaints[2].contains("gone.js does not exist"), "{complaints:?}");
        assert!(complaints[3].starts_with("third_party/stray.js: not in"), "{complaints:?}");
    }

    #[test]
    fn a_banned_crate_is_named() {
        let deny = "[bans]\ndeny = [{ crate = \"ring\", reason = \"one crypto library\" }, { crate = \"absent\" }]\n";
        let tree = planted(&[
            ("deny.toml", deny),
            ("Cargo.lock", "[[package]]\nname = \"ring\"\nversion = \"1\"\n"),
        ]);
        let complaints = banned_crates(&tree);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("ring is banned by deny.toml: one crypto library"), "{complaints:?}");
        assert_eq!(banned_crates(&planted(&[("Cargo.lock", "")])).len(), 1, "no list is a complaint too");
    }

    #[test]
    fn a_crate_under_other_terms_is_named() {
        let linked = ["MIT", "AGPL-3.0-only"].map(|licence| Linked::planted("x", licence));
        let complaints = not_allowed(&linked, &["MIT".to_owned()]);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("AGPL-3.0-only"), "{complaints:?}");
    }
}
