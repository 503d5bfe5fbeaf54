-- +goose Up

-- Whose the writes were before the data went to another database, or came from one
-- and is not whole yet (platform/transfer): then the owner row says moved or
-- arriving, which no process is called. Empty otherwise.
CREATE TABLE moved_owner (
    id    BIGINT PRIMARY KEY CHECK (id = 1),
    owner TEXT NOT NULL,
    url   TEXT NOT NULL
);

-- As before, but a take does not change the row of data that is elsewhere.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ownership_take(expected BIGINT, next_epoch BIGINT, next_owner TEXT, next_url TEXT, now_ms BIGINT)
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
           AND o.epoch = expected
           AND o.owner NOT IN ('moved', 'arriving');
    END IF;
    RETURN QUERY SELECT o.id, o.epoch, o.owner, o.url, o.changed_ms FROM ownership AS o WHERE o.id = 1;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION ownership_take(expected BIGINT, next_epoch BIGINT, next_owner TEXT, next_url TEXT, now_ms BIGINT)
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
DROP TABLE moved_owner;
