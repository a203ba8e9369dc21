-- Published rate books: immutable, kept for ever, numbered without gaps. Only superseded_at is ever set,
-- once, when the next version is published.
CREATE TABLE rate_books (
  version BIGINT NOT NULL PRIMARY KEY,
  document LONGTEXT NOT NULL,
  published_at BIGINT NOT NULL,
  published_by VARBINARY(128) NOT NULL,
  superseded_at BIGINT NULL,
  CHECK (version >= 1)
);
