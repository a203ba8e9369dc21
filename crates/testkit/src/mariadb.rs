//! A private MariaDB server, one per test process.
//!
//! `mariadb-install-db` takes seconds, so it runs once per machine into `.local/mariadb-template`; each process copies
//! that and starts its own server on a free port of 127.0.0.1, with none of the machine's configuration. It ends with
//! the process. Its data folder is removed by the next test process that starts a server.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use tokio::sync::OnceCell;

use crate::place::{is_root, local, program};
use crate::{ports, process};

/// A running server.
#[derive(Debug)]
pub struct MariaDb {
    port: u16,
    folder: PathBuf,
    databases: AtomicU32,
    child: process::Child,
}

/// The server of this test process, started by whoever asks first.
///
/// # Panics
/// When MariaDB is not installed or does not start.
pub async fn shared() -> &'static MariaDb {
    static SHARED: OnceCell<MariaDb> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            tokio::task::spawn_blocking(MariaDb::start).await.expect("the starting thread does not panic")
        })
        .await
}

impl MariaDb {
    /// Starts a server of one's own, for tests that stop or kill it. Blocks for a second or so.
    ///
    /// # Panics
    /// When MariaDB is not installed or does not start.
    pub fn start() -> Self {
        let template = template();
        let runs = local().join("mariadb-run");
        remove_leftovers(&runs);
        // A free port may be taken by someone else before the server binds it.
        for attempt in 1..=5 {
            let folder = unused_folder(&runs);
            copy(&template, &folder);
            let port = ports::free();
            match launch(&folder, port) {
                Ok(child) => return Self { port, folder, databases: AtomicU32::new(0), child },
                Err(log) => eprintln!("MariaDB did not start, try {attempt}:\n{log}"),
            }
        }
        panic!("MariaDB did not start in 5 tries; its log is above");
    }

    /// Kills the server as a crash would (SIGKILL) and waits for its end.
    pub fn kill(&mut self) {
        self.child.signal("KILL").expect("the server runs");
        self.child.wait().expect("it ends");
    }

    /// Starts it again on the same data and port, after [`MariaDb::kill`].
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        self.child =
            launch(&self.folder, self.port).unwrap_or_else(|log| panic!("MariaDB did not start:\n{log}"));
    }

    /// Creates a database with a name that begins like `name`, and returns its `DATABASE_URL`.
    pub async fn database(&self, name: &str) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let name = format!("{name}_{number}");
        let server = format!("mysql://root@127.0.0.1:{}", self.port);
        let mut connection =
            MySqlConnection::connect(&server).await.expect("the server takes root from loopback");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&mut connection).await.expect("a new database name");
        connection.close().await.expect("the connection closes");
        format!("{server}/{name}")
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A server that accepts connections, or its log.
fn launch(folder: &Path, port: u16) -> Result<process::Child, String> {
    let mut child = process::spawn(server(folder, port)).expect("setpriv starts mariadbd");
    if ports::wait_open(port, Duration::from_secs(60), || child.is_running()) {
        return Ok(child);
    }
    Err(fs::read_to_string(folder.join("error.log")).unwrap_or_default())
}

/// The server binary and the data folder's owner must agree: as root it must be told that root is meant. It keeps the
/// user it is started as, because changing it would clear the kernel's promise to kill it.
fn server(folder: &Path, port: u16) -> Command {
    let mut command = process::command(installed("mariadbd"));
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", folder.display()))
        .arg(format!("--log-error={}", folder.join("error.log").display()))
        .arg(format!("--port={port}"))
        // Relative to the data folder: an absolute path may be longer than a socket address can be.
        .args(["--bind-address=127.0.0.1", "--socket=server.sock", "--pid-file=server.pid"])
        .args(["--skip-name-resolve", "--character-set-server=utf8mb4", "--max-connections=400"])
        .args(["--innodb-buffer-pool-size=64M", "--innodb-log-file-size=8M", "--performance-schema=OFF"])
        // Tests survive a crash of the server, not of the machine.
        .arg("--innodb-flush-log-at-trx-commit=2")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if is_root() {
        command.arg("--user=root");
    }
    command
}

fn installed(name: &str) -> PathBuf {
    program(name).unwrap_or_else(|| {
        panic!("{name} is not installed: run `make test`, which installs the Debian package mariadb-server")
    })
}

/// The template data folder, made once and under a lock, since test processes start at the same time.
fn template() -> PathBuf {
    let template = local().join("mariadb-template");
    fs::create_dir_all(local()).expect(".local can be created");
    let lock = File::create(local().join("mariadb-template.lock")).expect("the lock file can be created");
    lock.lock().expect("the lock file can be locked");
    let data = template.join("data");
    // The marker is written last: without it, an earlier try was cut off.
    if !template.join("complete").is_file() {
        let _ = fs::remove_dir_all(&template);
        fs::create_dir_all(&data).expect("the template folder can be created");
        install(&data);
        File::create(template.join("complete")).expect("the marker can be written");
    }
    data
}

fn install(data: &Path) {
    let mut command = Command::new(installed("mariadb-install-db"));
    command.arg("--no-defaults").arg(format!("--datadir={}", data.display())).args([
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--innodb-log-file-size=8M",
    ]);
    if is_root() {
        command.arg("--user=root");
    }
    let output = command.output().expect("mariadb-install-db starts");
    assert!(
        output.status.success(),
        "mariadb-install-db failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// `<process id>-<number>` of this process.
fn unused_folder(runs: &Path) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = runs.join(format!("{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the run folder can be created");
    folder.canonicalize().expect("the run folder exists")
}

/// Folders of processes that are no more. Their servers went with them.
fn remove_leftovers(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.split('-').next().and_then(|id| id.parse::<u32>().ok());
        if owner.is_some_and(|id| !Path::new("/proc").join(id.to_string()).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn copy(template: &Path, folder: &Path) {
    let status = Command::new("cp")
        .args(["-a", "--reflink=auto"])
        .arg(template.join("."))
        .arg(folder)
        .status()
        .expect("cp starts");
    assert!(status.success(), "the template could not be copied: {status}");
}
