-- +goose Up

-- cursor: every event up to it that the filter picks is a delivery. due: until then the
-- receiver is left alone.
CREATE TABLE webhook (
    id            uuid PRIMARY KEY,
    name          text COLLATE "C" NOT NULL UNIQUE,
    url           text NOT NULL,
    filter        jsonb NOT NULL,
    state         text NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
    why           text NOT NULL,
    secret_sealed text NOT NULL,
    former_sealed text NOT NULL,
    former_until  timestamptz,
    cursor        bigint NOT NULL,
    failures      integer NOT NULL,
    due           timestamptz NOT NULL,
    last_ok       timestamptz,
    lease_owner   text NOT NULL,
    lease_until   timestamptz NOT NULL,
    actor         text NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    version       bigint NOT NULL
);

-- event_id: none of a test.
CREATE TABLE webhook_delivery (
    id          uuid PRIMARY KEY,
    webhook_id  uuid NOT NULL REFERENCES webhook ON DELETE CASCADE,
    event_id    bigint,
    state       text NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts    integer NOT NULL,
    due         timestamptz,
    status      integer NOT NULL,
    error       text NOT NULL,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (webhook_id, event_id),
    CHECK ((state = 'pending') = (due IS NOT NULL))
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, due) WHERE state = 'pending';
CREATE INDEX webhook_delivery_dead ON webhook_delivery (webhook_id) WHERE state = 'dead';
CREATE INDEX webhook_delivery_finished ON webhook_delivery (finished_at) WHERE finished_at IS NOT NULL;

-- +goose Down

DROP TABLE webhook_delivery, webhook;
