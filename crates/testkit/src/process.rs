//! Child processes that cannot outlive the test.
//!
//! A child is killed by its process id when its guard is dropped, and by the kernel (`PR_SET_PDEATHSIG`, through
//! `setpriv`) when the test process ends in any other way. The kernel takes "parent" to mean the thread that forked:
//! a child forked by a test's thread would die with that test. So one thread, which never ends, forks them all.

use std::ffi::OsStr;
use std::io;
use std::process::Command;
use std::sync::{OnceLock, mpsc};

/// A running child process; killed and waited for when dropped.
#[derive(Debug)]
pub struct Child(std::process::Child);

/// Between its start and the moment `setpriv` asks the kernel for the signal, a child may already have lost its parent
/// and would wait for a signal that was never sent. So afterwards it looks whether the parent is still there.
const UNLESS_ORPHANED: &str = "test \"$PPID\" = \"$0\" && exec \"$@\"";

/// A command that will be killed when this process ends. The program must not change its user: that would clear the
/// kernel's promise.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--", "sh", "-c", UNLESS_ORPHANED])
        .arg(std::process::id().to_string())
        .arg(program);
    command
}

type Job = (Command, mpsc::Sender<io::Result<std::process::Child>>);

fn forker() -> &'static mpsc::Sender<Job> {
    static FORKER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    FORKER.get_or_init(|| {
        let (sender, jobs) = mpsc::channel::<Job>();
        let fork = move || {
            for (mut command, answer) in jobs {
                // The asker may be gone, having panicked; then nobody wants the child either.
                if let Err(mpsc::SendError(Ok(mut child))) = answer.send(command.spawn()) {
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
        };
        std::thread::Builder::new().name("forker".to_owned()).spawn(fork).expect("a thread can be started");
        sender
    })
}

/// Starts a command, normally one made by [`command`].
pub fn spawn(command: Command) -> io::Result<Child> {
    let (sender, answer) = mpsc::channel();
    forker().send((command, sender)).map_err(io::Error::other)?;
    answer.recv().map_err(io::Error::other)?.map(Child)
}

impl Child {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// False once it has ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Sends a signal by name (`TERM`, `STOP`, `KILL`) to exactly this process.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let status = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill -s {name}: {status}"))) }
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> io::Result<std::process::ExitStatus> {
        self.0.wait()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
