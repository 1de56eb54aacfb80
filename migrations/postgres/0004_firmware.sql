-- +goose Up

CREATE TABLE firmware_file (
    name       text COLLATE "C" PRIMARY KEY,
    digest     text NOT NULL,
    spec       jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX firmware_file_digest ON firmware_file (digest);

-- Lets a BMC fetch one file while one operation wants it to.
CREATE TABLE firmware_ticket (
    hash         text PRIMARY KEY,
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    digest       text NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX firmware_ticket_operation ON firmware_ticket (operation_id);

-- due: when it is to be looked after; never, when nothing of it is in motion.
CREATE TABLE campaign (
    id          uuid PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE,
    state       text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'cancelled')),
    spec        jsonb NOT NULL,
    due         timestamptz,
    lease_owner text NOT NULL,
    lease_until timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    version     bigint NOT NULL
);
CREATE INDEX campaign_due ON campaign (due) WHERE due IS NOT NULL;

-- +goose Down

DROP TABLE campaign, firmware_ticket, firmware_file;
