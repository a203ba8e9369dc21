-- What booking has said of a job's money so far. The row is locked by every event about the job, so that a cancellation
-- and an acceptance that come at the same time see each other, in whichever order they come.
CREATE TABLE wishes (
  job_id VARBINARY(16) NOT NULL PRIMARY KEY,
  wish VARCHAR(8) NOT NULL,
  heard BIGINT NOT NULL,
  CHECK (LENGTH(job_id) = 16),
  CHECK (wish IN ('hold', 'capture', 'release'))
);

-- state holds the attempts and refunds as the rules know them (JSON); everything that is searched for is a column.
-- version counts the times the row was locked for a change; commission_bp and commission_vat_bp are the terms of the
-- sale, kept because a refund a year later is booked at them.
CREATE TABLE payments (
  id VARBINARY(16) NOT NULL PRIMARY KEY,
  job_id VARBINARY(16) NOT NULL,
  customer VARBINARY(255) NOT NULL,
  provider VARBINARY(255) NOT NULL,
  amount_minor BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  wish VARCHAR(8) NOT NULL,
  state LONGTEXT NOT NULL,
  sale LONGTEXT NOT NULL,
  completion LONGTEXT,
  payment_method VARBINARY(255) NOT NULL,
  commission_bp BIGINT NOT NULL,
  commission_vat_bp BIGINT NOT NULL,
  correlation_id VARBINARY(64) NOT NULL,
  traceparent VARBINARY(64) NOT NULL,
  version BIGINT NOT NULL,
  look_at BIGINT,
  looks BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CHECK (LENGTH(id) = 16),
  CHECK (LENGTH(job_id) = 16),
  CHECK (LENGTH(currency) = 3),
  CHECK (amount_minor > 0),
  CHECK (wish IN ('hold', 'capture', 'release'))
);

-- One payment per job, also when an event comes twice at the same moment.
CREATE UNIQUE INDEX payments_by_job ON payments (job_id);

CREATE INDEX payments_by_customer ON payments (customer, created_at);

CREATE INDEX payments_by_time ON payments (created_at);

CREATE INDEX payments_to_look_at ON payments (look_at);

-- The primary key is the invariant: an intent at Stripe belongs to one payment.
CREATE TABLE intents (
  intent_id VARBINARY(255) NOT NULL PRIMARY KEY,
  payment_id VARBINARY(16) NOT NULL,
  CHECK (LENGTH(payment_id) = 16)
);

-- The calls to Stripe. A row is committed before its call is sent; its id is in the call's Idempotency-Key. While a call
-- is under way due_at is the end of its sender's lease. is_open is 1 until nothing more will happen.
CREATE TABLE operations (
  id VARBINARY(16) NOT NULL PRIMARY KEY,
  payment_id VARBINARY(16) NOT NULL,
  attempt_id VARBINARY(16) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  state VARCHAR(16) NOT NULL,
  is_open SMALLINT NOT NULL,
  amount_minor BIGINT NOT NULL,
  reason VARCHAR(200),
  tries BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  note VARCHAR(200),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  CHECK (LENGTH(id) = 16),
  CHECK (amount_minor > 0),
  CHECK (is_open IN (0, 1)),
  CHECK (kind IN ('authorise', 'capture', 'void', 'refund', 'fee', 'invoice')),
  CHECK (state IN ('init', 'pending', 'success', 'failed', 'errored', 'unknown'))
);

CREATE INDEX operations_due ON operations (is_open, due_at);

CREATE INDEX operations_of_payment ON operations (payment_id, created_at);

-- Webhooks, each once. Their bodies are not kept: they hold client secrets and names, and the object can be read again.
CREATE TABLE webhooks (
  event_id VARBINARY(255) NOT NULL PRIMARY KEY,
  event_type VARBINARY(128) NOT NULL,
  object_id VARBINARY(255) NOT NULL,
  payment_id VARBINARY(16),
  received_at BIGINT NOT NULL
);

CREATE INDEX webhooks_by_time ON webhooks (received_at);

-- Entries are inserted and never changed. The reference says what happened, so that nothing is booked twice.
CREATE TABLE ledger_transactions (
  reference VARBINARY(160) NOT NULL PRIMARY KEY,
  payment_id VARBINARY(16) NOT NULL,
  currency VARCHAR(3) NOT NULL,
  posted_at BIGINT NOT NULL,
  CHECK (LENGTH(payment_id) = 16)
);

CREATE INDEX ledger_of_payment ON ledger_transactions (payment_id, posted_at);

-- Either side is zero and the other is more than zero.
CREATE TABLE ledger_entries (
  reference VARBINARY(160) NOT NULL,
  line BIGINT NOT NULL,
  account VARCHAR(32) NOT NULL,
  debit_minor BIGINT NOT NULL,
  credit_minor BIGINT NOT NULL,
  PRIMARY KEY (reference, line),
  CHECK (debit_minor >= 0),
  CHECK (credit_minor >= 0),
  CHECK (debit_minor = 0 OR credit_minor = 0),
  CHECK (debit_minor + credit_minor > 0)
);

-- The last number given out, per seller and year. The row is locked from the number to the end of the transaction that
-- writes the invoice: a number is used, or given out again.
CREATE TABLE invoice_series (
  seller VARBINARY(16) NOT NULL,
  series_year SMALLINT NOT NULL,
  last_number BIGINT NOT NULL,
  PRIMARY KEY (seller, series_year),
  CHECK (last_number >= 0)
);

-- document is the whole invoice (JSON), from which the PDF is made; pdf_hash is the SHA-256 of the file handed out.
CREATE TABLE invoices (
  id VARBINARY(16) NOT NULL PRIMARY KEY,
  payment_id VARBINARY(16) NOT NULL,
  job_id VARBINARY(16) NOT NULL,
  customer VARBINARY(255) NOT NULL,
  provider VARBINARY(255) NOT NULL,
  seller VARBINARY(16) NOT NULL,
  series_year SMALLINT NOT NULL,
  series_number BIGINT NOT NULL,
  document LONGTEXT NOT NULL,
  pdf_hash VARBINARY(32) NOT NULL,
  issued_at BIGINT NOT NULL,
  CHECK (LENGTH(id) = 16),
  CHECK (LENGTH(pdf_hash) = 32),
  CHECK (series_number >= 1)
);

-- A sale is invoiced once, and a number is used once.
CREATE UNIQUE INDEX invoices_by_payment ON invoices (payment_id);

CREATE UNIQUE INDEX invoices_by_number ON invoices (seller, series_year, series_number);

CREATE INDEX invoices_by_job ON invoices (job_id);

CREATE INDEX invoices_by_customer ON invoices (customer, issued_at);

CREATE INDEX invoices_by_provider ON invoices (provider, issued_at);

CREATE INDEX invoices_by_time ON invoices (issued_at);
