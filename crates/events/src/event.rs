//! The envelope: CloudEvents 1.0, JSON format, structured mode, narrowed to what we send.

use jiff::Timestamp;
use jobzy_ids::EventId;
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_trace::{CorrelationId, TraceParent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The media type of one event in structured mode.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// Longest message, in bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// A fact that one service tells the others.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudEvent {
    /// Unique within the source; the inbox knows an event by both.
    pub id: EventId,
    /// `/jobzy/<service>`, at most 128 characters.
    pub source: String,
    /// `jobzy.<service>.<fact>.v1`, at most 120 characters.
    pub r#type: String,
    /// What the fact is about, such as `job_..`: 1 to 160 visible ASCII characters.
    pub subject: String,
    /// When it happened.
    pub time: Timestamp,
    /// The correlation id of the request that led to it.
    pub correlation_id: CorrelationId,
    /// The span that told it.
    pub traceparent: TraceParent,
    /// The fact itself, a JSON object.
    pub data: Value,
}

/// Why a message is not one of our events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// More bytes than any event has.
    #[error("an event has at most {MAX_BYTES} bytes")]
    TooLarge,
    /// Not JSON, an attribute is missing, unknown, twice or of the wrong type.
    #[error("not an event in CloudEvents JSON: {0}")]
    Json(String),
    /// An attribute has a value that none of ours has.
    #[error("attribute {0} has a value it cannot have")]
    Attribute(&'static str),
}

/// The message as it is on the wire. Extension attributes are lower case without separators (CloudEvents 3.1.1).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    specversion: String,
    id: String,
    source: String,
    r#type: String,
    subject: String,
    time: String,
    datacontenttype: String,
    correlationid: String,
    traceparent: String,
    data: Value,
}

impl CloudEvent {
    /// Reads a message: exactly our attributes, each in its form, in at most 64 KiB.
    ///
    /// # Errors
    /// [`Malformed`], naming the attribute.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_BYTES {
            return Err(Malformed::TooLarge);
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(|error| Malformed::Json(error.to_string()))?;
        let refuse = Malformed::Attribute;
        if wire.specversion != "1.0" {
            return Err(refuse("specversion"));
        }
        if wire.datacontenttype != "application/json" {
            return Err(refuse("datacontenttype"));
        }
        let event = Self {
            id: wire.id.parse().map_err(|_| refuse("id"))?,
            source: wire.source,
            r#type: wire.r#type,
            subject: wire.subject,
            time: wire.time.parse().map_err(|_| refuse("time"))?,
            correlation_id: CorrelationId::parse(wire.correlationid.as_bytes())
                .map_err(|_| refuse("correlationid"))?,
            traceparent: TraceParent::parse(wire.traceparent.as_bytes())
                .map_err(|_| refuse("traceparent"))?,
            data: wire.data,
        };
        event.check()?;
        Ok(event)
    }

    /// The message as it is sent.
    ///
    /// # Errors
    /// [`Malformed`] when [`CloudEvent::parse`] would refuse it: better here than at every subscriber for ever.
    pub fn to_json(&self) -> Result<String, Malformed> {
        self.check()?;
        let wire = Wire {
            specversion: "1.0".to_owned(),
            id: self.id.to_string(),
            source: self.source.clone(),
            r#type: self.r#type.clone(),
            subject: self.subject.clone(),
            time: self.time.to_string(),
            datacontenttype: "application/json".to_owned(),
            correlationid: self.correlation_id.to_string(),
            traceparent: self.traceparent.to_string(),
            data: self.data.clone(),
        };
        let text = serde_json::to_string(&wire).map_err(|error| Malformed::Json(error.to_string()))?;
        if text.len() > MAX_BYTES { Err(Malformed::TooLarge) } else { Ok(text) }
    }

    /// The context in which the event is handled: its correlation id, and a span below its sender's.
    pub fn context(&self, clock: &Clock) -> RequestContext {
        RequestContext::resume(Some(self.correlation_id.clone()), Some(self.traceparent), clock)
    }

    fn check(&self) -> Result<(), Malformed> {
        let source = self.source.strip_prefix("/jobzy/").unwrap_or_default();
        if !within(&self.source, 128) || !name(source, b"-") {
            return Err(Malformed::Attribute("source"));
        }
        let fact = self.r#type.strip_prefix("jobzy.").unwrap_or_default();
        if !within(&self.r#type, 120) || !name(fact, b"._") {
            return Err(Malformed::Attribute("type"));
        }
        if !within(&self.subject, 160) || !self.subject.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Malformed::Attribute("subject"));
        }
        if !self.data.is_object() {
            return Err(Malformed::Attribute("data"));
        }
        Ok(())
    }
}

fn within(text: &str, max_bytes: usize) -> bool {
    (1..=max_bytes).contains(&text.len())
}

fn name(text: &str, separators: &[u8]) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || separators.contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn message() -> Value {
        json!({
            "specversion": "1.0",
            "id": format!("evt_{}", "0".repeat(32)),
            "source": "/jobzy/booking",
            "type": "jobzy.booking.job_created.v1",
            "subject": "job_1",
            "time": "2026-11-23T12:00:00.000001Z",
            "datacontenttype": "application/json",
            "correlationid": "abc-1",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "data": {"ids": []}
        })
    }

    fn parse(message: &Value) -> Result<CloudEvent, Malformed> {
        CloudEvent::parse(message.to_string().as_bytes())
    }

    #[test]
    fn a_message_is_read_and_written_the_same() {
        let event = parse(&message()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&event.to_json().unwrap()).unwrap(), message());
        assert_eq!(event.time.to_string(), "2026-11-23T12:00:00.000001Z");
    }

    #[test]
    fn every_attribute_is_required_and_no_other_is_known() {
        for attribute in message().as_object().unwrap().keys() {
            let mut without = message();
            without.as_object_mut().unwrap().remove(attribute);
            assert!(matches!(parse(&without), Err(Malformed::Json(_))), "{attribute}");
        }
        let mut with = message();
        with["datacontentencoding"] = json!("base64");
        assert!(matches!(parse(&with), Err(Malformed::Json(_))));
        let twice = message().to_string().replacen('{', "{\"subject\":\"job_2\",", 1);
        assert!(matches!(CloudEvent::parse(twice.as_bytes()), Err(Malformed::Json(_))));
    }

    #[test]
    fn a_value_out_of_form_is_refused_by_the_name_of_its_attribute() {
        let long = format!("/jobzy/{}", "x".repeat(122));
        for (attribute, value) in [
            ("specversion", json!("0.3")),
            ("id", json!("job_00000000000000000000000000000000")),
            ("source", json!("/elsewhere/booking")),
            ("source", json!("/jobzy/")),
            ("source", json!(long)),
            ("type", json!("jobzy.Booking")),
            ("type", json!("other.booking.job_created.v1")),
            ("subject", json!("")),
            ("subject", json!("job 1")),
            ("subject", json!("x".repeat(161))),
            ("time", json!("yesterday")),
            ("datacontenttype", json!("text/plain")),
            ("correlationid", json!("a\nb")),
            ("traceparent", json!("00-0-0-00")),
            ("data", json!([1])),
        ] {
            let mut message = message();
            message[attribute] = value;
            assert_eq!(parse(&message), Err(Malformed::Attribute(attribute)), "{message}");
        }
    }

    #[test]
    fn a_message_over_64_kib_is_neither_read_nor_written() {
        let mut event = parse(&message()).unwrap();
        event.data = json!({"text": "x".repeat(MAX_BYTES)});
        assert_eq!(event.to_json(), Err(Malformed::TooLarge));
        assert_eq!(CloudEvent::parse(&vec![b' '; MAX_BYTES + 1]), Err(Malformed::TooLarge));
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        assert!(matches!(CloudEvent::parse(deep.as_bytes()), Err(Malformed::Json(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = CloudEvent::parse(&bytes);
        }

        #[test]
        fn what_is_written_is_read_back(subject in "[!-~]{1,160}", text in ".{0,60}", number in any::<i64>()) {
            let mut event = parse(&message()).unwrap();
            event.subject = subject;
            event.data = json!({"text": text, "amount_minor": number});
            prop_assert_eq!(CloudEvent::parse(event.to_json().unwrap().as_bytes()), Ok(event));
        }
    }
}
