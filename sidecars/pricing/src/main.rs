//! The pricing sidecar; the library says what it serves.

use std::process::ExitCode;

use jobzy_events::Pump;
use jobzy_service::main::run;
use jobzy_sidecar_pricing::{Books, Config, State, app, migrations};
use jobzy_store::{Db, DbOptions};

fn main() -> ExitCode {
    run("jobzy-pricing", |common| async move {
        let config = Config::from_env(&common.env)?;
        let auth = common.authenticator()?;
        let token = common.service_token()?;
        let db = Db::connect(&config.database_url, DbOptions::default()).await?;
        db.migrate(&migrations()).await?;
        let checked = db.clone();
        common.health.check("database", move || {
            let db = checked.clone();
            async move { db.ping().await }
        });
        let books = Books::open(db.clone(), &common.clock).await?;
        let pump =
            Pump::new(db.clone(), common.client.clone(), token, config.subscribers, common.clock.clone());
        let (shutdown, running) = (common.shutdown.clone(), pump.clone());
        common.spawn("outbox", async move { running.run(shutdown.requested()).await });
        let (shutdown, watched) = (common.shutdown.clone(), books.clone());
        common.spawn("rate-books", async move { watched.watch(shutdown.requested()).await });
        Ok(app(State::new(db, auth, common.clock.clone(), books, pump)))
    })
}
