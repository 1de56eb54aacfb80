-- +goose Up

-- Long work of the catalogue: its bytes are read or removed, or caches are filled.
CREATE TABLE image_job (
    id          text PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('verify', 'gc', 'warm')),
    image       text NOT NULL,
    digest      text NOT NULL,
    state       text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    step        text NOT NULL,
    progress    text NOT NULL,
    result      text NOT NULL,
    log         text NOT NULL,
    error       text NOT NULL,
    fault       text NOT NULL,
    hint        text NOT NULL,
    actor       text NOT NULL,
    tries       integer NOT NULL,
    lease_owner text NOT NULL,
    lease_until integer NOT NULL,
    created_at  integer NOT NULL,
    started_at  integer,
    ended_at    integer,
    updated_at  integer NOT NULL
) STRICT;
CREATE INDEX image_job_created ON image_job (created_at, id);
CREATE INDEX image_job_open ON image_job (kind, created_at) WHERE state IN ('queued', 'running');

-- +goose Down

DROP TABLE image_job;
