-- +goose Up

-- plans: grows with every plan that is applied, and whenever machines are marked to be compared
-- again: what was judged before may be no more.
ALTER TABLE revision ADD COLUMN plans integer NOT NULL DEFAULT 0;

-- pending_sealed: a password on its way to the BMC; which of the two it takes is not proven yet.
-- claimed_at: since when the password is one that nobody but we know.
ALTER TABLE bmc ADD COLUMN pending_sealed text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN claimed_at integer;

-- The password that BMCs of a model leave the factory with.
CREATE TABLE factory_login (
    model           text PRIMARY KEY REFERENCES model (name) ON DELETE CASCADE ON UPDATE CASCADE,
    username        text NOT NULL,
    password_sealed text NOT NULL
) STRICT;

-- Which process has a BMC in hand. wanted: another process waits for it.
CREATE TABLE bmc_hold (
    machine_id text PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    owner      text NOT NULL,
    until      integer NOT NULL,
    wanted     integer NOT NULL
) STRICT;

-- How far the log of a BMC is in the journal, and our subscription to its events.
CREATE TABLE bmc_log (
    machine_id   text PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    cursor       text NOT NULL,
    subscription text NOT NULL,
    read_at      integer NOT NULL
) STRICT;

-- +goose Down

DROP TABLE bmc_log;
DROP TABLE bmc_hold;
DROP TABLE factory_login;
ALTER TABLE bmc DROP COLUMN claimed_at;
ALTER TABLE bmc DROP COLUMN pending_sealed;
ALTER TABLE revision DROP COLUMN plans;
