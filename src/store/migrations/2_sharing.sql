-- Version 2: what sharing with other instances remembers, what MOSP said, and when the service's own jobs ran.

CREATE TABLE remote (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE CHECK (url <> '')
) STRICT;

CREATE TABLE pushed (
    remote INTEGER NOT NULL REFERENCES remote (id),
    anr BLOB NOT NULL CHECK (length(anr) = 16),
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    date INTEGER NOT NULL CHECK (date BETWEEN 10101 AND 99991231),
    uuid BLOB NOT NULL CHECK (length(uuid) = 16),
    PRIMARY KEY (remote, anr, type, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE withdrawn (
    remote INTEGER NOT NULL REFERENCES remote (id),
    anr BLOB NOT NULL CHECK (length(anr) = 16),
    PRIMARY KEY (remote, anr)
) STRICT, WITHOUT ROWID;

CREATE TABLE mosp (
    uuid BLOB PRIMARY KEY CHECK (length(uuid) = 16),
    objects TEXT NOT NULL,
    asked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    name TEXT PRIMARY KEY CHECK (name IN ('push', 'purge', 'backup')),
    succeeded_at INTEGER,
    failed_at INTEGER
) STRICT, WITHOUT ROWID;
