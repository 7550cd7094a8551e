-- The database's clock in milliseconds since 1970, since the replicas' clocks differ. Statements ask it by this name,
-- whichever database there is. clock_timestamp() and not now(): a transaction may have waited since it began.
CREATE VIEW clock AS SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now;

-- Which LiveChat entity belongs to which customer of the site, for one LiveChat account.
CREATE TABLE customer (
    account     TEXT   NOT NULL,
    customer_id TEXT   NOT NULL,
    entity_id   TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (account, customer_id)
);

-- Who is creating an entity right now. Written before LiveChat is asked, so that two replicas never create two.
CREATE TABLE creation (
    account     TEXT   NOT NULL,
    customer_id TEXT   NOT NULL,
    lease       TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    -- How many leases of this creation have run out: each may have left an entity at LiveChat that nobody uses.
    lost        BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, customer_id)
);

-- What the site's backend says of a customer, as JSON: goes into the tokens that this service signs.
CREATE TABLE customer_record (
    customer_id TEXT   NOT NULL PRIMARY KEY,
    record      TEXT   NOT NULL
);

-- Authorization codes by their SHA-256 hash; a redeemed one is kept for a while, so that a replay is known as one.
CREATE TABLE authorization_code (
    hash           BYTEA  NOT NULL PRIMARY KEY,
    customer_id    TEXT   NOT NULL,
    redirect_uri   TEXT   NOT NULL,
    code_challenge TEXT,
    expires_at     BIGINT NOT NULL,
    redeemed_at    BIGINT
);

CREATE INDEX authorization_code_expires_at ON authorization_code (expires_at);
