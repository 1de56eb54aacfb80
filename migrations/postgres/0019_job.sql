-- +goose Up

-- Long work of the catalogue: its bytes are read or removed, or caches are filled.
CREATE TABLE image_job (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('verify', 'gc', 'warm')),
    image       text NOT NULL,
    digest      text NOT NULL,
    state       text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    step        text NOT NULL,
    progress    jsonb NOT NULL,
    result      jsonb NOT NULL,
    log         jsonb NOT NULL,
    error       text NOT NULL,
    fault       text NOT NULL,
    hint        text NOT NULL,
    actor       text NOT NULL,
    tries       integer NOT NULL,
    lease_owner text NOT NULL,
    lease_until timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    updated_at  timestamptz NOT NULL
);
CREATE INDEX image_job_created ON image_job (created_at, id);
CREATE INDEX image_job_open ON image_job (kind, created_at) WHERE state IN ('queued', 'running');

-- +goose Down

DROP TABLE image_job;
