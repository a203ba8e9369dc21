//! The pump: moves events from the outbox to the subscribers.
//!
//! Three kinds of loops, all in one future: one fans new events out into a row per subscriber, one per subscriber
//! delivers, one sweeps the tables every hour. Each wakes when told to ([`Pump::wake`]) and looks twice a second anyway,
//! which is what finds the events of a process that died between commit and wake, and those whose next try is due.

mod deliver;
mod pace;

use std::sync::Arc;

use futures::future::{join, join_all};
use jobzy_service::client::{HttpClient, ServiceToken};
use jobzy_service::clock::Clock;
use jobzy_store::{Db, outbox};
use tokio::sync::{Notify, watch};

pub use pace::Pace;

/// Events fanned out in one transaction.
const FAN_OUT_BATCH: u32 = 100;

/// Delivers the outbox of one database. Clones share everything; exactly one of them is [`Pump::run`].
#[derive(Clone)]
pub struct Pump(Arc<Shared>);

struct Shared {
    db: Db,
    client: HttpClient,
    token: ServiceToken,
    clock: Clock,
    pace: Pace,
    new_events: Notify,
    subscribers: Vec<Subscriber>,
}

struct Subscriber {
    name: String,
    url: String,
    due_events: Notify,
}

impl Pump {
    /// A pump for subscribers given as name and base URL (`payment`, `http://127.0.0.1:8103`); events are POSTed to
    /// `<base>/internal/events`. Names are stored with the deliveries: a renamed subscriber is a new one, and what
    /// waited for the old name waits until a subscriber of that name returns. Without any subscribers the pump still sweeps.
    pub fn new(
        db: Db,
        client: HttpClient,
        token: ServiceToken,
        subscribers: Vec<(String, String)>,
        clock: Clock,
    ) -> Self {
        Self::with_pace(db, client, token, subscribers, clock, Pace::default())
    }

    /// The same with other pauses and timeouts.
    pub fn with_pace(
        db: Db,
        client: HttpClient,
        token: ServiceToken,
        subscribers: Vec<(String, String)>,
        clock: Clock,
        pace: Pace,
    ) -> Self {
        let subscriber = |(name, base): (String, String)| Subscriber {
            name,
            url: format!("{}/internal/events", base.trim_end_matches('/')),
            due_events: Notify::new(),
        };
        let subscribers = subscribers.into_iter().map(subscriber).collect();
        Self(Arc::new(Shared { db, client, token, clock, pace, new_events: Notify::new(), subscribers }))
    }

    /// Says that a transaction with events has committed, so that they are sent now and not at the next look.
    pub fn wake(&self) {
        self.0.new_events.notify_one();
    }

    /// Runs until `shutdown` is ready, then finishes the delivery in progress. What remains waits in the database.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let (stop, stopping) = watch::channel(false);
        let shared = &self.0;
        let deliveries =
            shared.subscribers.iter().map(|subscriber| shared.deliver_all(subscriber, stopping.clone()));
        let loops = join(
            join_all(deliveries),
            join(shared.fan_out_all(stopping.clone()), shared.sweep_hourly(stopping.clone())),
        );
        join(loops, async {
            shutdown.await;
            stop.send_replace(true);
        })
        .await;
    }
}

impl Shared {
    async fn fan_out_all(&self, mut stopping: watch::Receiver<bool>) {
        let names: Vec<String> = self.subscribers.iter().map(|subscriber| subscriber.name.clone()).collect();
        while !*stopping.borrow() {
            match outbox::fan_out(&self.db, &names, FAN_OUT_BATCH, self.clock.now()).await {
                Ok(events) => {
                    if events > 0 {
                        self.subscribers.iter().for_each(|subscriber| subscriber.due_events.notify_one());
                    }
                    if events >= u64::from(FAN_OUT_BATCH) {
                        continue;
                    }
                }
                Err(error) => tracing::warn!(%error, "new events could not be fanned out"),
            }
            pause(&mut stopping, &self.new_events, self.pace.poll).await;
        }
    }

    async fn sweep_hourly(&self, mut stopping: watch::Receiver<bool>) {
        let never = Notify::new();
        while !*stopping.borrow() {
            match jobzy_store::sweep(&self.db, self.clock.now()).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "old keys and events were swept"),
                Err(error) => tracing::warn!(%error, "old keys and events could not be swept"),
            }
            pause(&mut stopping, &never, self.pace.sweep).await;
        }
    }
}

/// Until there is news, or `at_most` has passed, or the pump stops.
async fn pause(stopping: &mut watch::Receiver<bool>, news: &Notify, at_most: std::time::Duration) {
    tokio::select! {
        () = news.notified() => {}
        () = tokio::time::sleep(at_most) => {}
        // An error means that `run` itself is gone, and this future with it.
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}
