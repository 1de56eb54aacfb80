-- +goose Up

-- Proof that a disk was emptied. It outlives the operation, and the machine's time with us.
CREATE TABLE certificate (
    id           text PRIMARY KEY,
    machine_id   text NOT NULL REFERENCES machine,
    operation_id text NOT NULL,
    serial       text NOT NULL,
    wwn          text NOT NULL,
    document     text NOT NULL,
    ended_at     integer NOT NULL
) STRICT;
CREATE INDEX certificate_machine ON certificate (machine_id, ended_at);
CREATE INDEX certificate_operation ON certificate (operation_id);
CREATE INDEX certificate_serial ON certificate (serial);

-- +goose Down

DROP TABLE certificate;
