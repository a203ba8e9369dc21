//! Delivery to one subscriber.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use jobzy_service::context::RequestContext;
use jobzy_store::DbError;
use jobzy_store::outbox::{self, Due};
use tokio::sync::{Notify, watch};

use super::{Shared, Subscriber, pause};
use crate::{CloudEvent, MEDIA_TYPE};

/// Events read at once. Those delivered are noted in one transaction, so a crash repeats at most these.
const BATCH: u32 = 50;

/// Why an event was not taken.
struct Failure {
    /// For the log and the delivery's row; never holds a token or the event itself.
    reason: String,
    /// The subscriber is in trouble, not the event: the next event would fail in the same way.
    whole_subscriber: bool,
}

/// How a batch ended.
struct Batch {
    delivered: usize,
    /// The subscriber cannot take anything at the moment.
    unavailable: bool,
}

impl Shared {
    pub(super) async fn deliver_all(&self, subscriber: &Subscriber, mut stopping: watch::Receiver<bool>) {
        let mut failures = 0_u32;
        let never = Notify::new();
        while !*stopping.borrow() {
            let batch = self.deliver_batch(subscriber, &stopping).await;
            self.report_backlog(subscriber).await;
            match batch {
                Ok(Batch { unavailable: true, delivered }) => {
                    failures = if delivered > 0 { 1 } else { failures.saturating_add(1) };
                    // News of further events does not shorten this pause.
                    pause(&mut stopping, &never, self.pause_after(failures)).await;
                }
                Ok(Batch { delivered: 0, .. }) => {
                    pause(&mut stopping, &subscriber.due_events, self.pace.poll).await;
                }
                Ok(_) => failures = 0,
                Err(error) => {
                    tracing::warn!(subscriber = %subscriber.name, %error, "the outbox could not be read or written");
                    pause(&mut stopping, &never, self.pace.poll).await;
                }
            }
        }
    }

    async fn deliver_batch(
        &self,
        subscriber: &Subscriber,
        stopping: &watch::Receiver<bool>,
    ) -> Result<Batch, DbError> {
        let due = outbox::due(&self.db, &subscriber.name, BATCH, self.clock.now()).await?;
        let mut delivered = Vec::with_capacity(due.len());
        let mut unavailable = false;
        for event in &due {
            if *stopping.borrow() {
                break;
            }
            match self.deliver(subscriber, event).await {
                Ok(()) => delivered.push(event.event_id),
                Err(failure) => {
                    self.note_failure(subscriber, event, &failure).await?;
                    if failure.whole_subscriber {
                        unavailable = true;
                        break;
                    }
                }
            }
        }
        outbox::delivered(&self.db, &subscriber.name, &delivered, self.clock.now()).await?;
        let name = subscriber.name.clone();
        metrics::counter!("events_delivered_total", "subscriber" => name).increment(delivered.len() as u64);
        Ok(Batch { delivered: delivered.len(), unavailable })
    }

    async fn deliver(&self, subscriber: &Subscriber, event: &Due) -> Result<(), Failure> {
        let broken = |reason: String| Failure { reason, whole_subscriber: false };
        let down = |reason: String| Failure { reason, whole_subscriber: true };
        let message = CloudEvent::parse(event.body.as_bytes()).map_err(|error| broken(error.to_string()))?;
        let mut request = Request::post(&subscriber.url)
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .body(Bytes::from(event.body.clone()))
            .map_err(|error| down(error.to_string()))?;
        // The sender's span, not a child of it: the hop into the subscriber is the subscriber's to record.
        RequestContext { correlation_id: message.correlation_id, traceparent: message.traceparent }
            .apply(request.headers_mut());
        self.token.authorise(request.headers_mut()).await.map_err(|error| down(error.to_string()))?;
        let response = self.client.send(request, self.pace.timeout).await;
        let status = response.map_err(|error| down(error.to_string()))?.status();
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED => {
                // The issuer may have changed its key; a new token settles it.
                self.token.forget().await;
                Err(down(format!("answered {status}")))
            }
            StatusCode::FORBIDDEN
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(down(format!("answered {status}"))),
            status => Err(broken(format!("answered {status}"))),
        }
    }

    /// An event that was refused for its own sake waits longer each time, and later ones go ahead. One that met a
    /// subscriber in trouble stays due, so that the order is kept: there the whole loop pauses.
    async fn note_failure(
        &self,
        subscriber: &Subscriber,
        event: &Due,
        failure: &Failure,
    ) -> Result<(), DbError> {
        let Subscriber { name, .. } = subscriber;
        let reason = failure.reason.as_str();
        tracing::warn!(subscriber = %name, event.r#type = %event.event_type, attempts = event.attempts + 1, reason, "event not taken");
        metrics::counter!("events_delivery_failures_total", "subscriber" => name.clone()).increment(1);
        let now = self.clock.now();
        let again = if failure.whole_subscriber {
            now
        } else {
            let wait = self.pause_after(event.attempts.saturating_add(1));
            now.saturating_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX))
                .unwrap_or(Timestamp::MAX)
        };
        outbox::failed(&self.db, name, event.event_id, again, reason).await
    }

    fn pause_after(&self, failures: u32) -> std::time::Duration {
        let [random] = self.clock.random();
        self.pace.pause_after(failures, random)
    }

    /// How many events wait for this subscriber, and for how long the oldest has.
    async fn report_backlog(&self, subscriber: &Subscriber) {
        let Ok(backlog) = outbox::backlog(&self.db, &subscriber.name).await else { return };
        let waited = backlog.oldest.map(|oldest| self.clock.now().duration_since(oldest).as_secs_f64());
        let name = &subscriber.name;
        metrics::gauge!("events_outbox_pending", "subscriber" => name.clone()).set(backlog.events as f64);
        metrics::gauge!("events_outbox_lag_seconds", "subscriber" => name.clone()).set(waited.unwrap_or(0.0));
    }
}
