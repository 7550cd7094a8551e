-- Of whom something is different now: replicas keep records and tokens in memory, and hear here what others have changed. A trigger writes
-- it, so that nobody can change something and say nothing: no import, no older replica, no hand.
CREATE TABLE change (
    -- The number of the transaction. Whoever begins to read at the oldest one that still runs misses nothing that is committed later.
    number      BIGINT NOT NULL DEFAULT txid_current(),
    -- What is different: 'record' or 'entity'.
    what        TEXT   NOT NULL,
    customer_id TEXT   NOT NULL
);

CREATE INDEX change_number ON change (number);

-- Where the next reader begins. A standby says nothing: it may be one that hears of no change any more.
CREATE VIEW change_horizon AS
    SELECT txid_snapshot_xmin(txid_current_snapshot()) AS number WHERE NOT pg_is_in_recovery();

-- Whoever changes something has it noted, also who may not write here, and whichever schema is in the search path.
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    customer TEXT;
BEGIN
    IF TG_OP = 'DELETE' THEN
        customer := OLD.customer_id;
    ELSE
        customer := NEW.customer_id;
    END IF;
    EXECUTE format('INSERT INTO %I.change (what, customer_id) VALUES ($1, $2)', TG_TABLE_SCHEMA)
        USING TG_ARGV[0], customer;
    RETURN NULL;
END
$$;

CREATE TRIGGER customer_record_changed AFTER INSERT OR UPDATE OR DELETE ON customer_record
    FOR EACH ROW EXECUTE PROCEDURE note_change('record');

-- A new entity is nothing that anybody could remember in another way.
CREATE TRIGGER customer_changed AFTER UPDATE OR DELETE ON customer
    FOR EACH ROW EXECUTE PROCEDURE note_change('entity');

-- For how long a lease was taken, in milliseconds: whoever has seen it for so long needs no clock to know that it is over.
ALTER TABLE creation ADD COLUMN duration BIGINT;
ALTER TABLE guest ADD COLUMN lease_duration BIGINT;
