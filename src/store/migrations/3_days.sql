-- Version 3: dates as days since 1970-01-01, indexes of stats by date before type, days with their sums in common,
-- and how far payloads were packed.

DROP INDEX "stat#client#type#date";
DROP INDEX "stat#type#date";
DROP INDEX "stat#payload";
ALTER TABLE stat RENAME TO old_stat;
ALTER TABLE rollup RENAME TO old_rollup;
ALTER TABLE pushed RENAME TO old_pushed;
ALTER TABLE state RENAME TO old_state;

CREATE TABLE stat (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    client INTEGER NOT NULL REFERENCES client (id),
    analysis INTEGER NOT NULL REFERENCES analysis (id),
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    date INTEGER NOT NULL CHECK (date BETWEEN -719162 AND 2932896),
    payload INTEGER NOT NULL REFERENCES payload (id),
    created_at INTEGER NOT NULL,
    UNIQUE (analysis, date, type)
) STRICT;

CREATE INDEX "stat#client#date#type" ON stat (client, date, type);
CREATE INDEX "stat#date" ON stat (date);
CREATE INDEX "stat#payload" ON stat (payload);

CREATE TABLE common (
    id INTEGER PRIMARY KEY,
    entries BLOB NOT NULL
) STRICT;

CREATE TABLE rollup (
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    is_local INTEGER NOT NULL CHECK (is_local IN (0, 1)),
    date INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    entries BLOB,
    common INTEGER,
    PRIMARY KEY (type, is_local, date, bucket),
    CHECK ((entries IS NULL) = (common IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE VIEW sums AS
SELECT type, is_local, date, bucket, coalesce(entries, (SELECT entries FROM common WHERE id = rollup.common)) AS entries
FROM rollup;

CREATE TABLE pushed (
    remote INTEGER NOT NULL REFERENCES remote (id),
    anr BLOB NOT NULL CHECK (length(anr) = 16),
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    date INTEGER NOT NULL CHECK (date BETWEEN -719162 AND 2932896),
    uuid BLOB NOT NULL CHECK (length(uuid) = 16),
    PRIMARY KEY (remote, anr, type, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version BLOB NOT NULL,
    packed INTEGER NOT NULL, restored_on INTEGER
) STRICT;

INSERT INTO state (id, version, packed) SELECT id, version, 0 FROM old_state;

INSERT INTO stat (seq, uuid, client, analysis, type, date, payload, created_at)
SELECT seq, uuid, client, analysis, type, unixepoch(printf('%04d-%02d-%02d', date / 10000, date / 100 % 100, date % 100)) / 86400, payload, created_at
FROM old_stat
ORDER BY seq;

-- The order of arrival goes on where it was, even if the newest stats are gone.
DELETE FROM sqlite_sequence WHERE name = 'stat';
UPDATE sqlite_sequence SET name = 'stat' WHERE name = 'old_stat';

INSERT INTO rollup (type, is_local, date, bucket, entries)
SELECT type, is_local, unixepoch(printf('%04d-%02d-%02d', date / 10000, date / 100 % 100, date % 100)) / 86400, bucket, entries
FROM old_rollup;

INSERT INTO pushed (remote, anr, type, date, uuid)
SELECT remote, anr, type, unixepoch(printf('%04d-%02d-%02d', date / 10000, date / 100 % 100, date % 100)) / 86400, uuid
FROM old_pushed;

DROP TABLE old_stat;
DROP TABLE old_rollup;
DROP TABLE old_pushed;
DROP TABLE old_state;

ALTER TABLE client ADD COLUMN group_name TEXT;

CREATE TABLE release (
    week INTEGER PRIMARY KEY,
    rules INTEGER NOT NULL,
    k INTEGER NOT NULL CHECK (k >= 3 OR k = 1 AND week = 0),
    built_at INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    cells BLOB
) STRICT;

CREATE TRIGGER "release#once" BEFORE UPDATE ON release WHEN OLD.week <> 0 AND (
    NEW.cells IS NOT NULL OR NEW.week <> OLD.week OR NEW.k <> OLD.k OR NEW.hash <> OLD.hash
) BEGIN
    SELECT RAISE(ABORT, 'a release is never changed');
END;
