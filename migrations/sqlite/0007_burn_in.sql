-- +goose Up

-- A burn-in of a machine and what it found; power_turn is the turn of its operation that
-- may draw full power in the rack, -1 for none.
CREATE TABLE burn_in (
    id           text PRIMARY KEY,
    operation_id text NOT NULL REFERENCES operation ON DELETE CASCADE,
    machine_id   text NOT NULL REFERENCES machine ON DELETE CASCADE,
    state        text NOT NULL CHECK (state IN ('waiting', 'running', 'passed', 'failed')),
    power_turn   integer NOT NULL,
    spec         text NOT NULL,
    began_at     integer NOT NULL,
    ended_at     integer,
    version      integer NOT NULL
) STRICT;
CREATE INDEX burn_in_machine ON burn_in (machine_id, began_at);
CREATE INDEX burn_in_operation ON burn_in (operation_id);
CREATE INDEX burn_in_open ON burn_in (state) WHERE ended_at IS NULL;

-- +goose Down

DROP TABLE burn_in;
