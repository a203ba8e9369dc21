//! The tables of this crate, in every service's database.

use crate::Migration;

/// Idempotency keys, outbox and inbox. Pass them to [`crate::Db::migrate`] before a service's own migrations,
/// which are numbered from 100.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "idempotency keys", sql: IDEMPOTENCY_KEYS },
    Migration { version: 2, name: "outbox", sql: OUTBOX },
    Migration { version: 3, name: "inbox", sql: INBOX },
];

/// `state` 0: the work is under way until `lease_until`; 1: the answer is stored. The last CHECK ties the two.
const IDEMPOTENCY_KEYS: &str = "
CREATE TABLE idempotency_keys (
    scope VARBINARY(200) NOT NULL CHECK (LENGTH(scope) BETWEEN 1 AND 200),
    idempotency_key VARBINARY(255) NOT NULL CHECK (LENGTH(idempotency_key) BETWEEN 1 AND 255),
    fingerprint VARBINARY(32) NOT NULL CHECK (LENGTH(fingerprint) = 32),
    state SMALLINT NOT NULL CHECK (state IN (0, 1)),
    lease_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    status SMALLINT NULL CHECK (status IS NULL OR status BETWEEN 200 AND 599),
    headers LONGTEXT NULL,
    body LONGBLOB NULL,
    PRIMARY KEY (scope, idempotency_key),
    CHECK ((state = 0 AND status IS NULL AND headers IS NULL AND body IS NULL)
        OR (state = 1 AND status IS NOT NULL AND headers IS NOT NULL AND body IS NOT NULL))
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
";

/// One row per event, and one per event and subscriber once the pump has fanned it out: a subscriber that is down
/// keeps its own rows waiting and nobody else's.
const OUTBOX: &str = "
CREATE TABLE outbox_events (
    id VARBINARY(16) NOT NULL PRIMARY KEY CHECK (LENGTH(id) = 16),
    event_type VARCHAR(120) NOT NULL CHECK (LENGTH(event_type) BETWEEN 1 AND 120),
    subject VARCHAR(160) NOT NULL CHECK (LENGTH(subject) BETWEEN 1 AND 160),
    body LONGTEXT NOT NULL CHECK (LENGTH(body) BETWEEN 2 AND 65536),
    created_at BIGINT NOT NULL,
    fanned_out_at BIGINT NULL
);
CREATE INDEX outbox_events_waiting ON outbox_events (fanned_out_at, created_at);
CREATE TABLE outbox_deliveries (
    subscriber VARCHAR(40) NOT NULL CHECK (LENGTH(subscriber) BETWEEN 1 AND 40),
    event_id VARBINARY(16) NOT NULL CHECK (LENGTH(event_id) = 16),
    attempts INT NOT NULL CHECK (attempts >= 0),
    next_attempt_at BIGINT NOT NULL,
    delivered_at BIGINT NULL,
    last_error VARCHAR(200) NULL CHECK (last_error IS NULL OR LENGTH(last_error) <= 200),
    PRIMARY KEY (subscriber, event_id),
    FOREIGN KEY (event_id) REFERENCES outbox_events (id)
);
CREATE INDEX outbox_deliveries_waiting ON outbox_deliveries (subscriber, delivered_at, next_attempt_at);
CREATE INDEX outbox_deliveries_event ON outbox_deliveries (event_id, delivered_at);
";

/// An event's identity is its source and its id together (CloudEvents 1.0, section 3.1).
const INBOX: &str = "
CREATE TABLE inbox_events (
    source VARBINARY(128) NOT NULL CHECK (LENGTH(source) BETWEEN 1 AND 128),
    event_id VARBINARY(128) NOT NULL CHECK (LENGTH(event_id) BETWEEN 1 AND 128),
    received_at BIGINT NOT NULL,
    PRIMARY KEY (source, event_id)
);
CREATE INDEX inbox_events_received ON inbox_events (received_at);
";
