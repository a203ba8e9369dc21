//! The payment sidecar; the library says what it serves.

use std::process::ExitCode;

use jobzy_events::Pump;
use jobzy_service::main::run;
use jobzy_sidecar_payment::{Config, Files, Pace, State, Stripe, Worker, app, migrations};
use jobzy_store::{Db, DbOptions};

fn main() -> ExitCode {
    run("jobzy-payment", |common| async move {
        let config = Config::from_env(&common.env)?;
        let stripe =
            Stripe::new(common.client.clone(), &common.address("STRIPE_API_BASE")?, &config.stripe_key);
        let auth = common.authenticator()?;
        let token = common.service_token()?;
        let files = Files::open(&config.files).await?;
        let db = Db::connect(&config.database_url, DbOptions::default()).await?;
        db.migrate(&migrations()).await?;
        let checked = db.clone();
        common.health.check("database", move || {
            let db = checked.clone();
            async move { db.ping().await }
        });
        let pump =
            Pump::new(db.clone(), common.client.clone(), token, config.subscribers, common.clock.clone());
        let (shutdown, running) = (common.shutdown.clone(), pump.clone());
        common.spawn("outbox", async move { running.run(shutdown.requested()).await });
        let worker = Worker::new(db.clone(), stripe, common.clock.clone(), pump.clone(), Pace::default());
        let (shutdown, running) = (common.shutdown.clone(), worker.clone());
        common.spawn("operations", async move { running.run(shutdown.requested()).await });
        Ok(app(State::new(db, auth, common.clock.clone(), worker, config.webhook_secrets, files)))
    })
}
