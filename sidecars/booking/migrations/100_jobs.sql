-- Providers, by the subject of their token. slots_version is only there to be written: whoever takes time
-- of a provider writes it first, so that those who want the same provider come one after the other.
CREATE TABLE providers (
  id VARBINARY(16) NOT NULL PRIMARY KEY,
  subject VARBINARY(160) NOT NULL,
  name VARBINARY(480) NOT NULL,
  business_id VARBINARY(16) NOT NULL,
  iban VARBINARY(34) NULL,
  address LONGTEXT NULL,
  lat_e6 BIGINT NOT NULL,
  lon_e6 BIGINT NOT NULL,
  radius_km BIGINT NOT NULL,
  weekly_hours LONGTEXT NOT NULL,
  rating_sum BIGINT NOT NULL,
  rating_count BIGINT NOT NULL,
  completed BIGINT NOT NULL,
  slots_version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CHECK (LENGTH(id) = 16),
  CHECK (rating_count >= 0 AND rating_sum BETWEEN rating_count AND rating_count * 5)
);

CREATE UNIQUE INDEX providers_by_subject ON providers (subject);

CREATE TABLE provider_services (
  service VARBINARY(64) NOT NULL,
  provider_id VARBINARY(16) NOT NULL,
  PRIMARY KEY (service, provider_id)
);

CREATE INDEX provider_services_by_provider ON provider_services (provider_id);

-- details is what was ordered and never changes; assigned is who has it, as they were called when it was offered.
CREATE TABLE jobs (
  id VARBINARY(16) NOT NULL PRIMARY KEY,
  customer VARBINARY(160) NOT NULL,
  status VARBINARY(16) NOT NULL,
  provider_id VARBINARY(16) NULL,
  provider_subject VARBINARY(160) NULL,
  assigned LONGTEXT NULL,
  cancelled_by VARBINARY(16) NULL,
  labour_minor BIGINT NULL,
  material_minor BIGINT NULL,
  travel_minor BIGINT NULL,
  details LONGTEXT NOT NULL,
  starts_at BIGINT NOT NULL,
  duration_minutes BIGINT NOT NULL,
  payment_method VARBINARY(64) NULL,
  payment_id VARBINARY(16) NULL,
  payment_status VARBINARY(32) NULL,
  payment_rank BIGINT NOT NULL,
  stars BIGINT NULL,
  agreed_at BIGINT NULL,
  finished_at BIGINT NULL,
  completed_at BIGINT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  version BIGINT NOT NULL,
  CHECK (LENGTH(id) = 16),
  CHECK (stars IS NULL OR stars BETWEEN 1 AND 5),
  CHECK ((labour_minor IS NULL) = (material_minor IS NULL) AND (labour_minor IS NULL) = (travel_minor IS NULL))
);

CREATE INDEX jobs_by_customer ON jobs (customer, id);

CREATE INDEX jobs_by_provider_subject ON jobs (provider_subject, id);

CREATE INDEX jobs_by_start ON jobs (starts_at);

-- Append-only: no statement of the service updates or deletes a row.
CREATE TABLE job_history (
  job_id VARBINARY(16) NOT NULL,
  version BIGINT NOT NULL,
  transition_name VARBINARY(24) NOT NULL,
  from_status VARBINARY(16) NULL,
  to_status VARBINARY(16) NOT NULL,
  actor VARBINARY(16) NOT NULL,
  subject VARBINARY(160) NOT NULL,
  reason LONGTEXT NULL,
  note LONGTEXT NULL,
  correlation_id VARBINARY(64) NOT NULL,
  happened_at BIGINT NOT NULL,
  PRIMARY KEY (job_id, version)
);

-- The primary key is the invariant: no quarter of an hour of a provider belongs to two jobs.
CREATE TABLE slot_cells (
  provider_id VARBINARY(16) NOT NULL,
  cell BIGINT NOT NULL,
  job_id VARBINARY(16) NOT NULL,
  PRIMARY KEY (provider_id, cell)
);

CREATE INDEX slot_cells_by_job ON slot_cells (job_id);

CREATE INDEX slot_cells_by_cell ON slot_cells (cell);

CREATE TABLE declined_offers (
  job_id VARBINARY(16) NOT NULL,
  provider_id VARBINARY(16) NOT NULL,
  declined_at BIGINT NOT NULL,
  PRIMARY KEY (job_id, provider_id)
);
