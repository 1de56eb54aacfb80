-- +goose Up

-- due: when it is to be looked after; never, when nothing of it is in motion.
CREATE TABLE rollout (
    id           uuid PRIMARY KEY,
    name         text COLLATE "C" NOT NULL UNIQUE,
    state        text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'aborted')),
    spec         jsonb NOT NULL,
    order_sealed text NOT NULL,
    due          timestamptz,
    lease_owner  text NOT NULL,
    lease_until  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    version      bigint NOT NULL
);
CREATE INDEX rollout_due ON rollout (due) WHERE due IS NOT NULL;

-- A rollout deploys a machine once, whichever server asks for it.
CREATE TABLE rollout_operation (
    rollout_id   uuid NOT NULL REFERENCES rollout ON DELETE CASCADE,
    machine_id   uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    PRIMARY KEY (rollout_id, machine_id)
);
CREATE INDEX rollout_operation_operation ON rollout_operation (operation_id);

-- want: digests of images that it is asked to fetch.
CREATE TABLE image_cache (
    name    text COLLATE "C" PRIMARY KEY,
    spec    jsonb NOT NULL,
    want    jsonb NOT NULL,
    seen_at timestamptz NOT NULL
);

-- +goose Down

DROP TABLE image_cache, rollout_operation, rollout;
