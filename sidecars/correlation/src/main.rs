//! The correlation sidecar; the library says what it serves.

use std::process::ExitCode;

use jobzy_service::main::run;
use jobzy_sidecar_correlation::{Config, State, app, migrations};
use jobzy_store::{Db, DbOptions};

fn main() -> ExitCode {
    run("jobzy-correlation", |common| async move {
        let config = Config::from_env(&common.env)?;
        let auth = common.authenticator()?;
        let db = Db::connect(&config.database_url, DbOptions::default()).await?;
        db.migrate(&migrations()).await?;
        let checked = db.clone();
        common.health.check("database", move || {
            let db = checked.clone();
            async move { db.ping().await }
        });
        Ok(app(State { db, auth, clock: common.clock.clone() }))
    })
}
