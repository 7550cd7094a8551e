-- The database's clock in milliseconds since 1970. Statements ask it by this name, whichever database there is.
CREATE VIEW clock AS SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now;

-- How many leases of this creation have run out: each may have left an entity at LiveChat that nobody uses.
ALTER TABLE creation ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;

-- What the site's backend says of a customer, as JSON: goes into the tokens that this service signs.
CREATE TABLE customer_record (
    customer_id TEXT    NOT NULL PRIMARY KEY,
    record      TEXT    NOT NULL
) STRICT;

-- Authorization codes by their SHA-256 hash; a redeemed one is kept for a while, so that a replay is known as one.
CREATE TABLE authorization_code (
    hash           BLOB    NOT NULL PRIMARY KEY,
    customer_id    TEXT    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    code_challenge TEXT,
    expires_at     INTEGER NOT NULL,
    redeemed_at    INTEGER
) STRICT;

CREATE INDEX authorization_code_expires_at ON authorization_code (expires_at);
