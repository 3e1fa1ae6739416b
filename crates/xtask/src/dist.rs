//! `cargo xtask dist`: the package that a hospital unpacks, and a first start of it without root.

use crate::licences;
use crate::run::{cargo, installed, run, target_dir};
use crate::tidy::{root, sha256_hex};
use anyhow::{Context as _, Result, ensure};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// User and group `nobody`, where we are root.
const NOBODY: u32 = 65534;
/// What goes with the binary.
const PAPERS: &[&str] = &["LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md"];

pub(crate) fn dist() -> Result<bool> {
    let root = root()?;
    ensure!(installed("tar").is_some() && installed("gzip").is_some(), "needs tar and gzip");
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("ward-{version}-{}", triple()?);
    let built = run(&mut cargo(&root, &["build", "--locked", "--profile", "dist", "-p", "ward"]))?;
    ensure!(built.ok, "ward does not build");

    // Profile `dist` builds here; the package is made beside it.
    let dist = target_dir(&root).join("dist");
    let folder = dist.join(&name);
    let archive = dist.join(format!("{name}.tar.gz"));
    assemble(&root, &dist, &folder)?;
    pack(&dist, &name, &archive)?;
    let bytes = std::fs::read(&archive).context("could not read the package back")?;
    let sum = format!("{}  {name}.tar.gz\n", sha256_hex(&bytes));
    std::fs::write(dist.join(format!("{name}.tar.gz.sha256")), &sum).context("could not write the sha256")?;
    std::fs::remove_dir_all(&folder).context("could not clear the package's folder")?;

    let said = first_start(&archive, &name)?;
    println!("{} ({} bytes)\n{sum}starts as: {said}", archive.display(), bytes.len());
    Ok(true)
}

fn triple() -> Result<String> {
    let told = Command::new("rustc").arg("-vV").output().context("could not run rustc")?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    told.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc did not say its host")
}

fn assemble(root: &Path, dist: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).context("could not clear the last package's folder")?;
    }
    std::fs::create_dir_all(folder).context("could not make the package's folder")?;
    std::fs::copy(dist.join("ward"), folder.join("ward")).context("the built ward")?;
    for paper in PAPERS {
        std::fs::copy(root.join(paper), folder.join(paper)).with_context(|| (*paper).to_owned())?;
    }
    std::fs::write(folder.join("THIRD-PARTY.md"), licences::page(&licences::linked(root)?))
        .context("THIRD-PARTY.md")
}

/// The same input gives the same bytes: sorted, no owner, no times.
fn pack(dist: &Path, name: &str, archive: &Path) -> Result<()> {
    let tarred = run(Command::new("tar")
        .args([
            "--sort=name",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--mode=go=u,go-w",
            "--mtime=@0",
            "--format=ustar",
        ])
        .args(["--use-compress-program=gzip -9n", "-cf"])
        .arg(archive)
        .arg(name)
        .current_dir(dist))?;
    ensure!(tarred.ok, "tar could not write {}", archive.display());
    Ok(())
}

/// Unpacks the archive elsewhere and asks the binary for its version, as nobody when we are root.
fn first_start(archive: &Path, name: &str) -> Result<String> {
    let place = Unpacked(std::env::temp_dir().join(format!("ward-dist-{}", std::process::id())));
    std::fs::create_dir_all(&place.0).context("could not make a folder to unpack in")?;
    std::fs::set_permissions(&place.0, std::fs::Permissions::from_mode(0o755))?;
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&place.0).status()?;
    ensure!(unpacked.success(), "tar could not unpack the package");
    let mut ward = Command::new(place.0.join(name).join("ward"));
    ward.arg("--version").env_clear().current_dir("/");
    if nix::unistd::geteuid().is_root() {
        ward.uid(NOBODY).gid(NOBODY);
    }
    let told = ward.output().context("the packaged ward does not start")?;
    let said = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    let version = env!("CARGO_PKG_VERSION");
    ensure!(
        told.status.success() && said.contains(version),
        "the packaged ward said `{said}`, not {version}"
    );
    Ok(said)
}

/// Removed when the check is over.
struct Unpacked(PathBuf);

impl Drop for Unpacked {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
