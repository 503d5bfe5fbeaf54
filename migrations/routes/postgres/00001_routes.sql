-- +goose Up

-- Where the calls of each module go, for every replica of the trunk. A module
-- without a row goes where config.yaml says.
CREATE TABLE route_plan (
    module     TEXT             NOT NULL PRIMARY KEY,
    mode       TEXT             NOT NULL CHECK (mode IN ('local', 'shadow', 'canary', 'remote')),
    percent    DOUBLE PRECISION NOT NULL CHECK (percent BETWEEN 0 AND 100),
    urls       TEXT             NOT NULL, -- parted by spaces
    configured BIGINT           NOT NULL CHECK (configured IN (0, 1)), -- 1 = follow config.yaml, whatever it says by then
    version    BIGINT           NOT NULL CHECK (version > 0),          -- goes up by one with each change
    changed_by TEXT             NOT NULL,
    changed_ms BIGINT           NOT NULL, -- UTC milliseconds, like every time here
    why        TEXT             NOT NULL
);

-- Every change there ever was.
CREATE TABLE route_audit (
    module       TEXT             NOT NULL,
    version      BIGINT           NOT NULL, -- of the plan that the change made
    at_ms        BIGINT           NOT NULL,
    who          TEXT             NOT NULL,
    automatic    BIGINT           NOT NULL CHECK (automatic IN (0, 1)), -- 1 = the guard's step back
    why          TEXT             NOT NULL,
    configured   BIGINT           NOT NULL CHECK (configured IN (0, 1)),
    from_mode    TEXT             NOT NULL,
    from_percent DOUBLE PRECISION NOT NULL,
    from_urls    TEXT             NOT NULL,
    to_mode      TEXT             NOT NULL,
    to_percent   DOUBLE PRECISION NOT NULL,
    to_urls      TEXT             NOT NULL,
    PRIMARY KEY (module, version)
);

-- +goose StatementBegin
CREATE FUNCTION route_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit of routes is only ever added to';
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER route_audit_only_grows BEFORE UPDATE OR DELETE ON route_audit
    FOR EACH ROW EXECUTE FUNCTION route_audit_only_grows();

-- +goose Down
DROP TABLE route_audit;
DROP FUNCTION route_audit_only_grows();
DROP TABLE route_plan;
