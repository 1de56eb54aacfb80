-- +goose Up

-- plans: grows with every plan that is applied, and whenever machines are marked to be compared
-- again: what was judged before may be no more.
ALTER TABLE revision ADD plans bigint NOT NULL DEFAULT 0;

-- pending_sealed: a password on its way to the BMC; which of the two it takes is not proven yet.
-- claimed_at: since when the password is one that nobody but we know.
ALTER TABLE bmc ADD pending_sealed text NOT NULL DEFAULT '', ADD claimed_at timestamptz;

-- The password that BMCs of a model leave the factory with.
CREATE TABLE factory_login (
    model           text PRIMARY KEY REFERENCES model (name) ON DELETE CASCADE ON UPDATE CASCADE,
    username        text NOT NULL,
    password_sealed text NOT NULL
);

-- Which process has a BMC in hand. wanted: another process waits for it.
CREATE TABLE bmc_hold (
    machine_id uuid PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    owner      text NOT NULL,
    until      timestamptz NOT NULL,
    wanted     boolean NOT NULL
);

-- How far the log of a BMC is in the journal, and our subscription to its events.
CREATE TABLE bmc_log (
    machine_id   uuid PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    cursor       text NOT NULL,
    subscription text NOT NULL,
    read_at      timestamptz NOT NULL
);

-- +goose Down

DROP TABLE bmc_log, bmc_hold, factory_login;
ALTER TABLE bmc DROP claimed_at, DROP pending_sealed;
ALTER TABLE revision DROP plans;
