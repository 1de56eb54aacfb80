-- +goose Up

-- due: when it is to be looked after; never, when nothing of it is in motion.
CREATE TABLE rollout (
    id           text PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    state        text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'aborted')),
    spec         text NOT NULL,
    order_sealed text NOT NULL,
    due          integer,
    lease_owner  text NOT NULL,
    lease_until  integer NOT NULL,
    created_at   integer NOT NULL,
    version      integer NOT NULL
) STRICT;
CREATE INDEX rollout_due ON rollout (due) WHERE due IS NOT NULL;

-- A rollout deploys a machine once, whichever server asks for it.
CREATE TABLE rollout_operation (
    rollout_id   text NOT NULL REFERENCES rollout ON DELETE CASCADE,
    machine_id   text NOT NULL REFERENCES machine ON DELETE CASCADE,
    operation_id text NOT NULL REFERENCES operation ON DELETE CASCADE,
    PRIMARY KEY (rollout_id, machine_id)
) STRICT;
CREATE INDEX rollout_operation_operation ON rollout_operation (operation_id);

-- want: digests of images that it is asked to fetch.
CREATE TABLE image_cache (
    name    text PRIMARY KEY,
    spec    text NOT NULL,
    want    text NOT NULL,
    seen_at integer NOT NULL
) STRICT;

-- +goose Down

DROP TABLE image_cache;
DROP TABLE rollout_operation;
DROP TABLE rollout;
