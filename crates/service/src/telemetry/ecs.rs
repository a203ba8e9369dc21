//! One JSON object per line with Elastic Common Schema names.
//!
//! A line holds `@timestamp`, `log.level`, `message`, `log.logger`, `service.name`, then the fields
//! of the spans around it from the outside in (so `correlation.id` and `trace.id`), then its own.
//! Inner fields win over outer ones; none can replace the first five.

use std::fmt::Debug;
use std::io::Write;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::clock::Clock;

type Sink = Box<dyn Fn(&[u8]) + Send + Sync>;

/// The layer that writes the lines.
pub struct EcsLayer {
    service: &'static str,
    clock: Clock,
    sink: Sink,
}

impl EcsLayer {
    /// Writes to standard output. A line that cannot be written is lost: logging must not stop the work.
    pub fn stdout(service: &'static str) -> Self {
        Self::new(service, Clock::system(), |line| {
            let _ = std::io::stdout().lock().write_all(line);
        })
    }

    /// Hands each line, line end included, to `sink`.
    pub fn new(service: &'static str, clock: Clock, sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self { service, clock, sink: Box::new(sink) }
    }
}

/// The fields of a span, kept in its extensions.
struct SpanFields(Map<String, Value>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for EcsLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Collect::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(SpanFields(fields.0));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Collect::default();
        values.record(&mut fields);
        if let Some(known) = span.extensions_mut().get_mut::<SpanFields>() {
            known.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(known) = span.extensions().get::<SpanFields>() {
                fields.extend(known.0.clone());
            }
        }
        let mut own = Collect::default();
        event.record(&mut own);
        let message = own.0.remove("message").unwrap_or_default();
        fields.extend(own.0);

        let mut line = Map::new();
        line.insert("@timestamp".into(), self.clock.now().to_string().into());
        line.insert("log.level".into(), event.metadata().level().as_str().to_ascii_lowercase().into());
        line.insert("message".into(), message);
        line.insert("log.logger".into(), event.metadata().target().into());
        line.insert("service.name".into(), self.service.into());
        for (name, value) in fields {
            line.entry(name).or_insert(value);
        }
        let mut bytes = Value::Object(line).to_string().into_bytes();
        bytes.push(b'\n');
        (self.sink)(&bytes);
    }
}

#[derive(Default)]
struct Collect(Map<String, Value>);

impl Collect {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Collect {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn logged(work: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let clock = Clock::fixed("2026-11-23T12:00:00Z".parse().unwrap());
        let layer = EcsLayer::new("jobzy-test", clock, move |line| {
            sink.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
        });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let lines = lines.lock().unwrap();
        lines.clone()
    }

    #[test]
    fn a_line_has_ecs_names_and_the_fields_of_its_spans() {
        let lines = logged(|| {
            let span =
                tracing::info_span!("request", "correlation.id" = "c-1", "trace.id" = "t-1", shadowed = 1);
            span.in_scope(|| {
                tracing::warn!(http.response.status_code = 503_u64, shadowed = 2, "slow {}", "down");
            });
        });
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        let expected = serde_json::json!({
            "@timestamp": "2026-11-23T12:00:00Z", "log.level": "warn", "message": "slow down",
            "log.logger": module_path!(), "service.name": "jobzy-test", "correlation.id": "c-1",
            "trace.id": "t-1", "http.response.status_code": 503, "shadowed": 2,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn a_field_cannot_forge_another_line_or_another_service() {
        let lines =
            logged(|| tracing::info!(service.name = "evil", note = "a\n{\"log.level\":\"error\"}", "m"));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].matches('\n').count(), 1);
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["service.name"], "jobzy-test");
    }

    #[test]
    fn fields_recorded_later_appear() {
        let lines = logged(|| {
            let span = tracing::info_span!("job", attempt = tracing::field::Empty);
            span.record("attempt", 3);
            span.in_scope(|| tracing::info!("done"));
        });
        assert!(lines[0].contains(r#""attempt":3"#), "{lines:?}");
    }
}
