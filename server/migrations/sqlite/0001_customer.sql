-- Which LiveChat entity belongs to which customer of the site, for one LiveChat account.
CREATE TABLE customer (
    account     TEXT    NOT NULL,
    customer_id TEXT    NOT NULL,
    entity_id   TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (account, customer_id)
) STRICT;

-- Who is creating an entity right now. Written before LiveChat is asked, so that two processes never create two.
CREATE TABLE creation (
    account     TEXT    NOT NULL,
    customer_id TEXT    NOT NULL,
    lease       TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (account, customer_id)
) STRICT;
