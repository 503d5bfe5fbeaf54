-- +goose Up

-- Signed attestations of EAS, as they were signed, with what they say. Nothing is
-- ever deleted: a statement that was replaced or taken back stays as history.
CREATE TABLE attestations (
    id             INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which they were stored
    attester       BLOB NOT NULL,
    uid            BLOB NOT NULL, -- two attesters may have one UID
    schema_uid     BLOB NOT NULL,
    schema_text    TEXT NOT NULL, -- as it was written: the UID is made of its letters
    kind           TEXT NOT NULL, -- trust, vouch, report; '' = it does not count
    subject        BLOB NOT NULL,
    level          INTEGER NOT NULL,
    context        TEXT NOT NULL,
    note           TEXT NOT NULL,
    recipient      BLOB NOT NULL,
    time_s         INTEGER NOT NULL, -- UTC, that the attester signed
    expires_s      INTEGER NOT NULL, -- 9223372036854775807 = never, or later than that
    expiration     TEXT NOT NULL, -- as it was signed; '0' = never
    revocable      INTEGER NOT NULL,
    ref_uid        BLOB NOT NULL,
    data           BLOB NOT NULL,
    salt           BLOB, -- NULL = version 1
    chain_id       INTEGER NOT NULL,
    domain_version TEXT NOT NULL,
    contract       BLOB NOT NULL,
    signature      BLOB NOT NULL,
    stored_ms      INTEGER NOT NULL,
    live           INTEGER NOT NULL, -- 1 = the attester's last word, and not taken back
    ended_ms       INTEGER NOT NULL, -- when live became 0; 0 = it has not, or never was
    revoked_s      INTEGER NOT NULL, -- 0 = not taken back
    revoke_chain   INTEGER NOT NULL,
    revoke_signature BLOB
) STRICT;
CREATE UNIQUE INDEX attestations_by_uid ON attestations (attester, uid);
CREATE UNIQUE INDEX attestations_live ON attestations (attester, schema_uid, subject, context) WHERE live = 1 AND kind <> '';
CREATE INDEX attestations_about ON attestations (attester, schema_uid, subject, context, time_s);
CREATE INDEX attestations_out ON attestations (attester, id);
CREATE INDEX attestations_in ON attestations (subject, id);
CREATE INDEX attestations_of ON attestations (schema_uid, id);

-- Schemas that operators registered; those that count are in the program.
CREATE TABLE attestation_schemas (
    uid        BLOB NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    definition TEXT NOT NULL, -- '' = not known
    resolver   BLOB NOT NULL,
    revocable  INTEGER NOT NULL,
    added_ms   INTEGER NOT NULL,
    added_by   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE seed_sets (
    name       TEXT NOT NULL PRIMARY KEY,
    reason     TEXT NOT NULL,
    version    INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE seeds (
    set_name TEXT NOT NULL,
    wallet   BLOB NOT NULL,
    weight   REAL NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (set_name, wallet)
) STRICT, WITHOUT ROWID;

-- The audit of seeds; it outlives their sets.
CREATE TABLE seed_changes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    set_name    TEXT NOT NULL,
    version     INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    changed_by  TEXT NOT NULL,
    reason      TEXT NOT NULL,
    action      TEXT NOT NULL, -- added, removed, changed
    wallet      BLOB NOT NULL,
    weight      REAL NOT NULL,
    seed_reason TEXT NOT NULL
) STRICT;
CREATE INDEX seed_changes_of ON seed_changes (set_name, id);

-- Trust lists of operators. An edge counts in the versions from since to before
-- until, so that a version costs what it changes.
CREATE TABLE imports (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL, -- that counts; 0 = none yet
    held       INTEGER NOT NULL, -- that waits to be accepted; 0 = none
    edges      INTEGER NOT NULL, -- of the version that counts
    changed_ms INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    removed    INTEGER NOT NULL  -- 1 = its edges are being deleted
) STRICT;
CREATE UNIQUE INDEX imports_by_name ON imports (name) WHERE removed = 0;

CREATE TABLE import_versions (
    import_id INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    made_ms   INTEGER NOT NULL,
    made_by   TEXT NOT NULL,
    added     INTEGER NOT NULL,
    removed   INTEGER NOT NULL,
    changed   INTEGER NOT NULL,
    PRIMARY KEY (import_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE import_edges (
    import_id INTEGER NOT NULL,
    source    BLOB NOT NULL,
    target    BLOB NOT NULL,
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL, -- 9223372036854775807 = it still holds
    weight    REAL NOT NULL,
    time_ms   INTEGER, -- UTC; NULL = not said
    PRIMARY KEY (import_id, source, target, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_edges_in ON import_edges (target, source);
CREATE INDEX import_edges_since ON import_edges (import_id, since, source, target) WHERE since > 1;
CREATE INDEX import_edges_until ON import_edges (import_id, until, source, target) WHERE until < 9223372036854775807;

-- What was imported before imports had names.
INSERT INTO imports (name, version, held, edges, changed_ms, changed_by, removed)
SELECT 'trust', 1, 0, COUNT(*), 0, 'an earlier release', 0
FROM trust_edges
HAVING COUNT(*) > 0;
INSERT INTO import_versions (import_id, version, made_ms, made_by, added, removed, changed)
SELECT id, 1, 0, 'an earlier release', edges, 0, 0 FROM imports;
INSERT INTO import_edges (import_id, source, target, since, until, weight, time_ms)
SELECT i.id, e.source, e.target, 1, 9223372036854775807, e.weight, e.time_ms
FROM trust_edges e
CROSS JOIN imports i;
DROP TABLE trust_edges;

-- Each activity that was reported, and how many of a kind there were on a day.
CREATE TABLE activity_events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    wallet  BLOB NOT NULL,
    kind    TEXT NOT NULL,
    ref     TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    event   TEXT NOT NULL -- id of the event that reported it
) STRICT;
CREATE INDEX activity_events_of ON activity_events (wallet, id);

CREATE TABLE activity_days (
    wallet BLOB NOT NULL,
    kind   TEXT NOT NULL,
    day    INTEGER NOT NULL, -- since 1970
    count  INTEGER NOT NULL,
    PRIMARY KEY (wallet, kind, day)
) STRICT, WITHOUT ROWID;

-- +goose Down
CREATE TABLE trust_edges (
    source  BLOB NOT NULL,
    target  BLOB NOT NULL,
    weight  REAL NOT NULL,
    time_ms INTEGER,
    PRIMARY KEY (source, target)
) STRICT, WITHOUT ROWID;
INSERT INTO trust_edges (source, target, weight, time_ms)
SELECT e.source, e.target, MAX(e.weight), MAX(e.time_ms)
FROM import_edges e
JOIN imports i ON i.id = e.import_id AND i.removed = 0 AND e.since <= i.version AND e.until > i.version
GROUP BY e.source, e.target;
DROP TABLE activity_days;
DROP TABLE activity_events;
DROP TABLE import_edges;
DROP TABLE import_versions;
DROP TABLE imports;
DROP TABLE seed_changes;
DROP TABLE seeds;
DROP TABLE seed_sets;
DROP TABLE attestation_schemas;
DROP TABLE attestations;
