//! Starts a stack on free ports, prints the process ids of its children, and holds it until killed.

use std::io::Write;

use jobzy_local::stack::Database;
use jobzy_tests::World;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut world = World::start(Database::Sqlite).await?;
    let pids: Vec<String> = world.stack.pids().iter().map(|(_, pid)| pid.to_string()).collect();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", pids.join(" "))?;
    stdout.flush()?;
    world.stack.watch().await
}
