-- The store's end state: version 1, the schema of 0.2.0. Older stores get here by the numbered steps in
-- src/store/migrations.rs; whoever changes anything below adds one.
--
-- Dates are days since 1970-01-01, moments are seconds since then, UUIDs are their 16 bytes.
-- Types: 1 risk, 2 threat, 3 vulnerability, 4 cartography, 5 compliance.

-- Who may send and read stats.
CREATE TABLE client (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
    is_sharing_enabled INTEGER NOT NULL CHECK (is_sharing_enabled IN (0, 1)),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    is_local INTEGER NOT NULL CHECK (is_local IN (0, 1)),
    latitude REAL CHECK (latitude BETWEEN -90 AND 90),
    longitude REAL CHECK (longitude BETWEEN -180 AND 180),
    created_at INTEGER NOT NULL,
    last_stat_at INTEGER,
    group_name TEXT,
    CHECK ((latitude IS NULL) = (longitude IS NULL))
) STRICT;

-- Links under which one client's own figures are seen. Of a link's token only the hash is kept. `expires_at` is none if it
-- does not end by itself. Links end with the token that their client had when they were made, and when it is deactivated.
CREATE TABLE view_link (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client INTEGER NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    note TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE INDEX "view_link#client" ON view_link (client);

CREATE TRIGGER "client#view_links" AFTER UPDATE OF is_active, token_hash ON client
WHEN new.is_active = 0 OR new.token_hash <> old.token_hash BEGIN
    DELETE FROM view_link WHERE client = new.id;
END;

-- The analyses (ANR) of each client. Two clients may have the same analysis without knowing of each other.
CREATE TABLE analysis (
    id INTEGER PRIMARY KEY,
    client INTEGER NOT NULL REFERENCES client (id),
    uuid BLOB NOT NULL CHECK (length(uuid) = 16),
    UNIQUE (client, uuid)
) STRICT;

-- What is averaged: a threat, a level of risk, a cell of a matrix, a category of a referential; also a referential, which
-- has labels. `key` is the text that identifies it within its type; the empty one counts stats. `label1` to `label4` are the
-- public texts in French, English, German and Dutch: a wording, or 0 for an empty one, or NULL for null.
CREATE TABLE object (
    id INTEGER PRIMARY KEY,
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    key TEXT NOT NULL,
    label1 INTEGER DEFAULT 0,
    label2 INTEGER DEFAULT 0,
    label3 INTEGER DEFAULT 0,
    label4 INTEGER DEFAULT 0,
    UNIQUE (type, key)
) STRICT;

-- The texts that clients give an object in one of the four languages, and how many clients give it now.
CREATE TABLE wording (
    id INTEGER PRIMARY KEY,
    object INTEGER NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    slot INTEGER NOT NULL CHECK (slot BETWEEN 1 AND 4),
    clients INTEGER NOT NULL CHECK (clients >= 0),
    text TEXT NOT NULL CHECK (text <> '')
) STRICT;

CREATE INDEX "wording#object" ON wording (object, slot, clients);

-- The objects of each client among threats, vulnerabilities, categories and referentials, with the newest texts that are not
-- empty, written only when they change. Texts are as in `object`. A client that is deleted keeps its rows until housekeeping.
CREATE TABLE label (
    client INTEGER NOT NULL,
    object INTEGER NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    label1 INTEGER,
    label2 INTEGER,
    label3 INTEGER,
    label4 INTEGER,
    PRIMARY KEY (client, object)
) STRICT, WITHOUT ROWID;

CREATE INDEX "label#object" ON label (object);

-- Clients and types whose labels are to be looked through, because stats were deleted or replaced; `number` grows with them.
CREATE TABLE relabel (
    client INTEGER NOT NULL,
    type INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (client, type)
) STRICT, WITHOUT ROWID;

-- The data of stats, once per content: most analyses do not change overnight. `entries` is what the content adds to
-- the averages (see src/store/entries.rs), `labels` tells its set of objects and labels from others; both stand before
-- `content` so that reading them never touches the text.
-- `content` is the text itself, or deflated, or deflated with the text of `base` as its dictionary.
CREATE TABLE payload (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    length INTEGER NOT NULL CHECK (length >= 0),
    base INTEGER REFERENCES payload (id),
    is_deflated INTEGER NOT NULL CHECK (is_deflated IN (0, 1)),
    labels INTEGER NOT NULL,
    entries BLOB NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (type, hash),
    CHECK (base IS NULL OR is_deflated = 1)
) STRICT;

CREATE INDEX "payload#base" ON payload (base) WHERE base IS NOT NULL;

-- One stat per analysis, type and date. `seq` is the order of arrival, never used twice. In the indexes the date comes
-- before the type: a day's stats of an analysis then change one page of each, not one per type.
CREATE TABLE stat (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    client INTEGER NOT NULL REFERENCES client (id),
    analysis INTEGER NOT NULL REFERENCES analysis (id),
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    date INTEGER NOT NULL CHECK (date BETWEEN 0 AND 2932896),
    payload INTEGER NOT NULL REFERENCES payload (id),
    created_at INTEGER NOT NULL,
    UNIQUE (analysis, date, type)
) STRICT;

CREATE INDEX "stat#client#date#type" ON stat (client, date, type);
CREATE INDEX "stat#date" ON stat (date);
CREATE INDEX "stat#payload" ON stat (payload);

CREATE TRIGGER "stat#relabel" AFTER DELETE ON stat WHEN old.type IN (2, 3, 5) BEGIN
    INSERT INTO relabel (client, type, number) VALUES (old.client, old.type, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
END;

-- Sums per type, date and object, of local clients and of others, in groups of objects (see src/store/entries.rs).
-- Always equal to what a rebuild from the stats would give.
CREATE TABLE rollup (
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    is_local INTEGER NOT NULL CHECK (is_local IN (0, 1)),
    date INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (type, is_local, date, bucket)
) STRICT, WITHOUT ROWID;

-- Other instances that stats were pushed to.
CREATE TABLE remote (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE CHECK (url <> '')
) STRICT;

-- What a remote has accepted: which stat it holds of each analysis, type and date.
CREATE TABLE pushed (
    remote INTEGER NOT NULL REFERENCES remote (id),
    anr BLOB NOT NULL CHECK (length(anr) = 16),
    type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 5),
    date INTEGER NOT NULL CHECK (date BETWEEN 0 AND 2932896),
    uuid BLOB NOT NULL CHECK (length(uuid) = 16),
    PRIMARY KEY (remote, anr, type, date)
) STRICT, WITHOUT ROWID;

-- Whose stats a remote has under the UUID of an analysis. Where two clients have an analysis with the same UUID only one
-- of them is pushed: to the remote both would be one.
CREATE TABLE pushed_analysis (
    remote INTEGER NOT NULL REFERENCES remote (id),
    anr BLOB NOT NULL CHECK (length(anr) = 16),
    client INTEGER NOT NULL,
    PRIMARY KEY (remote, anr)
) STRICT, WITHOUT ROWID;

-- Analyses that were taken back from a remote and are not pushed there again unless somebody names them.
CREATE TABLE withdrawn (
    remote INTEGER NOT NULL REFERENCES remote (id),
    anr BLOB NOT NULL CHECK (length(anr) = 16),
    PRIMARY KEY (remote, anr)
) STRICT, WITHOUT ROWID;

-- What MOSP said about an object: a JSON list of what it has under this UUID, empty if it has nothing.
CREATE TABLE mosp (
    uuid BLOB PRIMARY KEY CHECK (length(uuid) = 16),
    objects TEXT NOT NULL,
    asked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What another instance publishes, by type: the parts of each scale as a JSON list of object, measure and part, of its newest
-- date. Replaced as a whole.
CREATE TABLE benchmark (
    type INTEGER PRIMARY KEY CHECK (type BETWEEN 1 AND 5),
    url TEXT NOT NULL CHECK (url <> ''),
    date INTEGER NOT NULL CHECK (date BETWEEN 0 AND 2932896),
    asked_at INTEGER NOT NULL,
    figures TEXT NOT NULL
) STRICT;

-- When the service's own jobs last ended, well or badly, and how often one ended in a panic, which is a fault of the program.
-- `failure` is why the last run ended badly, none if it ended well: moments do not tell, since clocks are set back.
CREATE TABLE job (
    name TEXT PRIMARY KEY CHECK (name <> ''),
    succeeded_at INTEGER,
    failed_at INTEGER,
    failure TEXT,
    is_panic INTEGER NOT NULL DEFAULT 0 CHECK (is_panic IN (0, 1)),
    panics INTEGER NOT NULL DEFAULT 0 CHECK (panics >= 0)
) STRICT, WITHOUT ROWID;

-- What an operator has been told of and what goes on: a client that sends no more, a job that fails, a disk that is full.
CREATE TABLE watch_state (
    name TEXT NOT NULL CHECK (name <> ''),
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (name, subject)
) STRICT, WITHOUT ROWID;

-- One row; `version` is random and new after every change, so that equal versions mean equal answers.
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version BLOB NOT NULL,
    restored_on INTEGER
) STRICT;

INSERT INTO state (id, version) VALUES (1, randomblob(16));

-- What was published of each ISO week, by its last day: written once, kept as it is. `cells` is JSON, deflated; none if the
-- week was withdrawn. Where k is 1 nothing is released: the one row with a week of 0 then holds the changes that the pages
-- of a live instance show, written anew each day. No week is built that was over when state.restored_on came: the store
-- that is lost may have published it.
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
