//! A PostgreSQL server for the tests: its own folder, port and processes, gone when the tests are.
//!
//! It is started as user `postgres` where we are root, since the server refuses to run as root.

use crate::run::{installed, run, shown};
use anyhow::{Context as _, Result, bail, ensure};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the tests find it; `crates/store/tests/it/support.rs` reads it.
pub(crate) const VARIABLE: &str = "WARD_TEST_POSTGRES";
/// The Debian package.
pub(crate) const PACKAGE: &str = "postgresql-15";
/// Where Debian keeps each version's programs, which are not in the PATH.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Who runs it when we are root.
const SYSTEM_USER: &str = "postgres";
/// Role and password of the tests. The socket is in a folder of the server's user and asks for none.
const ROLE: &str = "ward";
const PASSWORD: &str = "only-for-tests";
/// How long the server may take to answer, seconds.
const START_SECONDS: u64 = 60;
/// Ports tried, each free a moment before.
const TRIES: u32 = 3;

/// A running server.
pub(crate) struct Server {
    process: Child,
    folder: PathBuf,
    port: u16,
}

/// The newest version's programs.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.filter(|path| path.join("bin/initdb").is_file()).max_by_key(number)?;
    Some(newest.join("bin"))
}

/// Keeps the package from making and starting a database cluster of its own.
pub(crate) fn keep_package_quiet() -> Result<()> {
    let settings = Path::new("/etc/postgresql-common/createcluster.conf");
    if settings.exists() {
        return Ok(());
    }
    std::fs::create_dir_all("/etc/postgresql-common")?;
    Ok(std::fs::write(settings, "create_main_cluster = false\n")?)
}

impl Server {
    /// Makes a database cluster in a new folder and starts its server.
    pub(crate) fn start() -> Result<Self> {
        let programs =
            programs().with_context(|| format!("no PostgreSQL server: apt-get install {PACKAGE}"))?;
        let folder = std::env::temp_dir().join(format!("ward-postgres-{}", std::process::id()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| folder.display().to_string())?;
        let started = initialise(&programs, &folder).and_then(|()| launch(&programs, &folder));
        if started.is_err() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        let (process, port) = started?;
        let server = Self { process, folder, port };
        println!("PostgreSQL {} on port {port}", server.process.id());
        Ok(server)
    }

    /// How the tests connect.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.display();
        let port = self.port;
        format!("host={folder} port={port} user={ROLE} password={PASSWORD} dbname=postgres")
    }
}

impl Drop for Server {
    /// Asks the server to end (SIGINT is its fast shutdown), by the id of the process that we started.
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn initialise(programs: &Path, folder: &Path) -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        let user = nix::unistd::User::from_name(SYSTEM_USER)?;
        let user = user.with_context(|| format!("there is no user {SYSTEM_USER} to run the server as"))?;
        chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    let password = folder.join("password");
    std::fs::write(&password, PASSWORD)?;
    let mut command = as_server(&programs.join("initdb"));
    command
        .arg(format!("--pgdata={}", folder.join("data").display()))
        .arg(format!("--username={ROLE}"))
        .arg(format!("--pwfile={}", password.display()))
        .args([
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ])
        .current_dir(folder);
    ensure!(run(&mut command)?.ok, "initdb failed; see above");
    Ok(())
}

fn launch(programs: &Path, folder: &Path) -> Result<(Child, u16)> {
    for _ in 0..TRIES {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = as_server(&programs.join("postgres"));
        let log = std::fs::File::create(folder.join("log"))?;
        command
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(folder)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        println!("$ {}", shown(&command));
        let mut process = command.spawn().context("could not start the server")?;
        if answers(programs, folder, port, &mut process)? {
            return Ok((process, port));
        }
        let _ = process.kill();
        let _ = process.wait();
        println!("{}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
    }
    bail!("the server did not start; its words are above")
}

/// Whether the server answers before it ends or the time is up.
fn answers(programs: &Path, folder: &Path, port: u16, process: &mut Child) -> Result<bool> {
    let until = Instant::now() + Duration::from_secs(START_SECONDS);
    while Instant::now() < until && process.try_wait()?.is_none() {
        let mut ask = Command::new(programs.join("pg_isready"));
        ask.arg("-q").arg("-h").arg(folder).args(["-p", &port.to_string(), "-U", ROLE]);
        if ask.status()?.success() {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(false)
}

/// `program` as the server's user; ended with us, even if we are killed.
fn as_server(program: &Path) -> Command {
    let Some(setpriv) = installed("setpriv") else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    if nix::unistd::geteuid().is_root() {
        command.args([
            &format!("--reuid={SYSTEM_USER}"),
            &format!("--regid={SYSTEM_USER}"),
            "--clear-groups",
        ]);
    }
    command.arg("--pdeathsig=INT").arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_answers_and_goes() {
        if programs().is_none() {
            println!("skipped: no PostgreSQL server here: apt-get install {PACKAGE}");
            assert_ne!(
                std::env::var("WARD_TEST_STRICT").as_deref(),
                Ok("1"),
                "skipped under WARD_TEST_STRICT=1"
            );
            return;
        }
        let server = Server::start().unwrap();
        let (folder, port) = (server.folder.clone(), server.port);
        assert!(server.url().contains(&format!("port={port}")));
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        drop(server);
        assert!(!folder.exists());
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    }
}
