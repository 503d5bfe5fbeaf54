-- +goose Up

-- Who may write to this schema: one row, changed by compare-and-swap on epoch
-- and read at the beginning of every write transaction (platform/ownership).
CREATE TABLE ownership (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    epoch      BIGINT NOT NULL, -- grows by one with every change of owner
    owner      TEXT   NOT NULL, -- the process's role: trunk, or a module's name
    url        TEXT   NOT NULL, -- where the owner is reached; may be empty
    changed_ms BIGINT NOT NULL  -- UTC milliseconds; for people, no decision rests on it
);

-- The lock between writers (shared) and a take (exclusive). An advisory lock,
-- because FOR SHARE on the row would write a multixact per transaction, and a
-- stream of sharers would starve the taker; this one queues fairly, in memory.
CREATE FUNCTION ownership_lock() RETURNS BIGINT
LANGUAGE sql STABLE
AS 'SELECT hashtextextended(current_schema() || ''/ownership'', 0)';

-- What a write transaction reads first. VOLATILE, so that the row is read with
-- a snapshot taken after the lock, in one trip to the server.
-- +goose StatementBegin
CREATE FUNCTION ownership_fence() RETURNS SETOF ownership
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(ownership_lock());
    RETURN QUERY SELECT o.id, o.epoch, o.owner, o.url, o.changed_ms FROM ownership AS o WHERE o.id = 1;
END
$$;
-- +goose StatementEnd

-- A take: it waits for the writers under way, keeps new ones out until its
-- transaction ends, changes the row if its epoch is the expected one (0 = there
-- is none yet), and gives the row as it is then. VOLATILE, as above.
-- +goose StatementBegin
CREATE FUNCTION ownership_take(expected BIGINT, next_epoch BIGINT, next_owner TEXT, next_url TEXT, now_ms BIGINT)
RETURNS SETOF ownership
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(ownership_lock());
    IF expected = 0 THEN
        INSERT INTO ownership (id, epoch, owner, url, changed_ms)
        VALUES (1, next_epoch, next_owner, next_url, now_ms)
            ON CONFLICT (id) DO NOTHING;
    ELSE
        UPDATE ownership AS o
           SET epoch = next_epoch,
               owner = next_owner,
               url = next_url,
               changed_ms = now_ms
         WHERE o.id = 1
           AND o.epoch = expected;
    END IF;
    RETURN QUERY SELECT o.id, o.epoch, o.owner, o.url, o.changed_ms FROM ownership AS o WHERE o.id = 1;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION ownership_take(BIGINT, BIGINT, TEXT, TEXT, BIGINT);
DROP FUNCTION ownership_fence();
DROP FUNCTION ownership_lock();
DROP TABLE ownership;
