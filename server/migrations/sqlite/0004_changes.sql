-- Of whom something is different now: the process keeps records and tokens in memory, and hears here what others have changed. A trigger
-- writes it, so that nobody can change something and say nothing: no import, no hand.
CREATE TABLE change (
    number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- What is different: 'record' or 'entity'.
    what        TEXT    NOT NULL,
    customer_id TEXT    NOT NULL
) STRICT;

-- Where the next reader begins: writers take turns, so that nothing comes later with a lower number.
CREATE VIEW change_horizon AS
    SELECT CAST(COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0) + 1 AS INTEGER) AS number;

CREATE TRIGGER customer_record_inserted AFTER INSERT ON customer_record
    BEGIN INSERT INTO change (what, customer_id) VALUES ('record', NEW.customer_id); END;
CREATE TRIGGER customer_record_updated AFTER UPDATE ON customer_record
    BEGIN INSERT INTO change (what, customer_id) VALUES ('record', NEW.customer_id); END;
CREATE TRIGGER customer_record_deleted AFTER DELETE ON customer_record
    BEGIN INSERT INTO change (what, customer_id) VALUES ('record', OLD.customer_id); END;

-- A new entity is nothing that anybody could remember in another way.
CREATE TRIGGER customer_updated AFTER UPDATE ON customer
    BEGIN INSERT INTO change (what, customer_id) VALUES ('entity', NEW.customer_id); END;
CREATE TRIGGER customer_deleted AFTER DELETE ON customer
    BEGIN INSERT INTO change (what, customer_id) VALUES ('entity', OLD.customer_id); END;

-- For how long a lease was taken, in milliseconds: whoever has seen it for so long needs no clock to know that it is over.
ALTER TABLE creation ADD COLUMN duration INTEGER;
ALTER TABLE guest ADD COLUMN lease_duration INTEGER;
