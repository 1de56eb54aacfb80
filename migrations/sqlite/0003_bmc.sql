-- +goose Up

-- plans: grows with every plan that is applied, and whenever machines are marked to be compared
-- again: what was judged before may be no more.
ALTER TABLE revision ADD COLUMN plans integer NOT NULL DEFAULT 0;

-- pending_*: an account and its password on their way to the BMC; whether it takes them is not
-- proven yet. former_*: those that a plan put aside. planned_*: what the plan said last, which may be
-- old; a claimed BMC keeps its account until it is claimed with the planned one, and counts as unclaimed.
-- next_certificate: one on its way to the BMC. claimed_at: since when the BMC is ours.
ALTER TABLE bmc ADD COLUMN pending_sealed text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN former_sealed text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN planned_sealed text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN pending_username text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN former_username text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN planned_username text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN planned_certificate text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN next_certificate text NOT NULL DEFAULT '';
ALTER TABLE bmc ADD COLUMN claimed_at integer;
UPDATE bmc SET planned_sealed = password_sealed, planned_username = username, planned_certificate = certificate_sha256;

-- The password that BMCs of a model leave the factory with.
CREATE TABLE factory_login (
    model           text PRIMARY KEY REFERENCES model (name) ON DELETE CASCADE ON UPDATE CASCADE,
    username        text NOT NULL,
    password_sealed text NOT NULL
) STRICT;

-- Our own authority for the certificates of BMCs; there is one.
CREATE TABLE bmc_authority (
    name        text PRIMARY KEY,
    certificate text NOT NULL,
    key_sealed  text NOT NULL
) STRICT;

-- BMCs that asked for an address and are in no plan.
CREATE TABLE bmc_stranger (
    mac     text PRIMARY KEY,
    network text NOT NULL,
    vendor  text NOT NULL,
    since   integer NOT NULL,
    seen    integer NOT NULL
) STRICT;

-- Which process has a BMC in hand. owner: empty for nobody. wanted: another process waits
-- for it. refused_*: which version of its row in bmc the BMC refused to let in, and its words.
CREATE TABLE bmc_hold (
    machine_id      text PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    owner           text NOT NULL,
    until           integer NOT NULL,
    wanted          integer NOT NULL,
    refused_version text NOT NULL,
    refused_at      integer,
    refused_words   text NOT NULL,
    refused_hint    text NOT NULL
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
DROP TABLE bmc_stranger;
DROP TABLE bmc_authority;
DROP TABLE factory_login;
ALTER TABLE bmc DROP COLUMN claimed_at;
ALTER TABLE bmc DROP COLUMN next_certificate;
ALTER TABLE bmc DROP COLUMN planned_certificate;
ALTER TABLE bmc DROP COLUMN planned_username;
ALTER TABLE bmc DROP COLUMN former_username;
ALTER TABLE bmc DROP COLUMN pending_username;
ALTER TABLE bmc DROP COLUMN planned_sealed;
ALTER TABLE bmc DROP COLUMN former_sealed;
ALTER TABLE bmc DROP COLUMN pending_sealed;
ALTER TABLE revision DROP COLUMN plans;
