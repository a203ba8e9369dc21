-- One row per thing that several systems know. head_hash and events are the end of its chain of events;
-- the row is locked while an event is appended, so that positions have no gaps.
CREATE TABLE entities (
  id VARBINARY(16) NOT NULL PRIMARY KEY,
  created_at BIGINT NOT NULL,
  events BIGINT NOT NULL,
  head_hash VARBINARY(32) NOT NULL,
  CHECK (LENGTH(id) = 16),
  CHECK (LENGTH(head_hash) = 32),
  CHECK (events >= 0)
);

-- The primary key is the invariant: an id of a system names one entity, and is never bound twice.
CREATE TABLE external_ids (
  system_name VARBINARY(32) NOT NULL,
  kind VARBINARY(32) NOT NULL,
  external_id VARBINARY(160) NOT NULL,
  entity_id VARBINARY(16) NOT NULL,
  linked_at BIGINT NOT NULL,
  linked_by VARBINARY(160) NOT NULL,
  PRIMARY KEY (system_name, kind, external_id),
  CHECK (LENGTH(entity_id) = 16),
  CHECK (LENGTH(external_id) BETWEEN 1 AND 160)
);

CREATE INDEX external_ids_by_entity ON external_ids (entity_id, linked_at);

CREATE INDEX external_ids_by_id ON external_ids (external_id);

-- Append-only: no statement of the service updates or deletes a row.
CREATE TABLE events (
  entity_id VARBINARY(16) NOT NULL,
  position BIGINT NOT NULL,
  event_id VARBINARY(128) NOT NULL,
  source VARBINARY(128) NOT NULL,
  event_type VARBINARY(128) NOT NULL,
  subject VARBINARY(160) NOT NULL,
  correlation_id VARBINARY(64) NOT NULL,
  occurred_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  body LONGTEXT NOT NULL,
  chain_hash VARBINARY(32) NOT NULL,
  PRIMARY KEY (entity_id, position),
  CHECK (position >= 1),
  CHECK (LENGTH(chain_hash) = 32)
);

CREATE UNIQUE INDEX events_by_id ON events (source, event_id);

CREATE INDEX events_by_correlation ON events (correlation_id, received_at);

CREATE INDEX events_by_type ON events (event_type, received_at);

CREATE INDEX events_by_time ON events (received_at);

-- Two systems that disagree: the id stays bound to bound_to, and a person decides.
CREATE TABLE conflicts (
  source VARBINARY(128) NOT NULL,
  event_id VARBINARY(128) NOT NULL,
  system_name VARBINARY(32) NOT NULL,
  kind VARBINARY(32) NOT NULL,
  external_id VARBINARY(160) NOT NULL,
  bound_to VARBINARY(16) NOT NULL,
  claimed_by VARBINARY(16) NOT NULL,
  found_at BIGINT NOT NULL,
  PRIMARY KEY (source, event_id, system_name, kind, external_id)
);

CREATE INDEX conflicts_by_claim ON conflicts (claimed_by);
