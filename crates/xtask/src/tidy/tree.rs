//! The files that the rules look at: what git tracks or would track, nothing ignored.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project's files.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    /// Paths from the root, with `/`, sorted.
    files: Vec<String>,
}

impl Tree {
    /// The tree under `root`: by git, or by walking where there is no repository.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let mut files = if root.join(".git").exists() { tracked(root)? } else { walked(root)? };
        files.retain(|file| root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(Self { root: root.to_path_buf(), files })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Files under a folder (given with its closing slash).
    pub(crate) fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.files().filter(move |file| file.starts_with(folder))
    }

    /// Rust sources.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &str> {
        self.files().filter(|file| file.ends_with(".rs"))
    }

    /// Names of the folders directly under a folder (given with its closing slash), sorted.
    pub(crate) fn folders(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .under(folder)
            .filter_map(|file| Some(file.strip_prefix(folder)?.split_once('/')?.0.to_owned()))
            .collect();
        names.dedup();
        names
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|file| file.as_str().cmp(path)).is_ok()
    }

    /// The text of a file; bytes that are not UTF-8 are replaced, a file that cannot be read is empty.
    pub(crate) fn read(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.bytes(path)).into_owned()
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.root.join(path)).unwrap_or_default()
    }
}

fn tracked(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("could not run git; install it, tidy asks it which files are tracked")?;
    anyhow::ensure!(
        listed.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&listed.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&listed.stdout).split_terminator('\0').map(str::to_owned).collect())
}

fn walked(root: &Path) -> Result<Vec<String>> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("could not list {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if let Ok(file) = path.strip_prefix(root) {
                files.push(file.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    Ok(files)
}

/// A throw-away tree with the given files in it, for planting violations.
#[cfg(test)]
pub(crate) fn planted(files: &[(&str, &str)]) -> Planted {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let root = std::env::temp_dir().join(format!("ward-tidy-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&root).unwrap();
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Planted { tree: Tree::of(&root).unwrap() }
}

/// Removes the planted tree when the test is over.
#[cfg(test)]
pub(crate) struct Planted {
    tree: Tree,
}

#[cfg(test)]
impl Drop for Planted {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.tree.root);
    }
}

#[cfg(test)]
impl std::ops::Deref for Planted {
    type Target = Tree;

    fn deref(&self) -> &Tree {
        &self.tree
    }
}
