-- +goose Up

CREATE TABLE firmware_file (
    name       text PRIMARY KEY,
    digest     text NOT NULL,
    spec       text NOT NULL,
    created_at integer NOT NULL
) STRICT;
CREATE INDEX firmware_file_digest ON firmware_file (digest);

-- Lets a BMC fetch one file while one operation wants it to.
CREATE TABLE firmware_ticket (
    hash         text PRIMARY KEY,
    operation_id text NOT NULL REFERENCES operation ON DELETE CASCADE,
    digest       text NOT NULL,
    expires_at   integer NOT NULL
) STRICT;
CREATE INDEX firmware_ticket_operation ON firmware_ticket (operation_id);

-- due: when it is to be looked after; never, when nothing of it is in motion.
CREATE TABLE campaign (
    id          text PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    state       text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'cancelled')),
    spec        text NOT NULL,
    due         integer,
    lease_owner text NOT NULL,
    lease_until integer NOT NULL,
    created_at  integer NOT NULL,
    version     integer NOT NULL
) STRICT;
CREATE INDEX campaign_due ON campaign (due) WHERE due IS NOT NULL;

-- +goose Down

DROP TABLE campaign;
DROP TABLE firmware_ticket;
DROP TABLE firmware_file;
