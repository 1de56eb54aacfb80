-- +goose Up

-- cursor: every event up to it that the filter picks is a delivery. due: until then the
-- receiver is left alone.
CREATE TABLE webhook (
    id            text PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    url           text NOT NULL,
    filter        text NOT NULL,
    state         text NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
    why           text NOT NULL,
    secret_sealed text NOT NULL,
    former_sealed text NOT NULL,
    former_until  integer,
    cursor        integer NOT NULL,
    failures      integer NOT NULL,
    due           integer NOT NULL,
    last_ok       integer,
    lease_owner   text NOT NULL,
    lease_until   integer NOT NULL,
    actor         text NOT NULL,
    created_at    integer NOT NULL,
    updated_at    integer NOT NULL,
    version       integer NOT NULL
) STRICT;

-- event_id: none of a test.
CREATE TABLE webhook_delivery (
    id          text PRIMARY KEY,
    webhook_id  text NOT NULL REFERENCES webhook ON DELETE CASCADE,
    event_id    integer,
    state       text NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts    integer NOT NULL,
    due         integer,
    status      integer NOT NULL,
    error       text NOT NULL,
    created_at  integer NOT NULL,
    finished_at integer,
    UNIQUE (webhook_id, event_id),
    CHECK ((state = 'pending') = (due IS NOT NULL))
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, due) WHERE state = 'pending';
CREATE INDEX webhook_delivery_dead ON webhook_delivery (webhook_id) WHERE state = 'dead';
CREATE INDEX webhook_delivery_finished ON webhook_delivery (finished_at) WHERE finished_at IS NOT NULL;

-- +goose Down

DROP TABLE webhook_delivery;
DROP TABLE webhook;
