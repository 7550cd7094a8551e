-- Guests: LiveChat customers of people who are not signed in, for one LiveChat account. A guest is known by the SHA-256
-- digest of a cookie, never by the cookie itself. What is being created stands in the same row, so that it ends with it.
CREATE TABLE guest (
    account          TEXT    NOT NULL,
    guest_id         TEXT    NOT NULL,
    entity_id        TEXT,
    expires_at       BIGINT  NOT NULL,
    lease            TEXT,
    lease_expires_at BIGINT,
    -- How many leases of this creation have run out: each may have left an entity at LiveChat that nobody uses.
    lost             BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (account, guest_id)
);

CREATE INDEX guest_expires_at ON guest (expires_at);
