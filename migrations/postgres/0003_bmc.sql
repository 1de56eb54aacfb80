-- +goose Up

-- plans: grows with every plan that is applied, and whenever machines are marked to be compared
-- again: what was judged before may be no more.
ALTER TABLE revision ADD plans bigint NOT NULL DEFAULT 0;

-- pending_*: an account and its password on their way to the BMC; whether it takes them is not
-- proven yet. former_*: those that a plan put aside. planned_*: what the plan said last, which may be
-- old; a claimed BMC keeps its account until it is claimed with the planned one, and counts as unclaimed.
-- next_certificate: one on its way to the BMC. claimed_at: since when the BMC is ours.
ALTER TABLE bmc ADD pending_sealed text NOT NULL DEFAULT '', ADD former_sealed text NOT NULL DEFAULT '', ADD planned_sealed text NOT NULL DEFAULT '',
    ADD pending_username text NOT NULL DEFAULT '', ADD former_username text NOT NULL DEFAULT '', ADD planned_username text NOT NULL DEFAULT '',
    ADD planned_certificate text NOT NULL DEFAULT '', ADD next_certificate text NOT NULL DEFAULT '', ADD claimed_at timestamptz;
UPDATE bmc SET planned_sealed = password_sealed, planned_username = username, planned_certificate = certificate_sha256;

-- The password that BMCs of a model leave the factory with.
CREATE TABLE factory_login (
    model           text PRIMARY KEY REFERENCES model (name) ON DELETE CASCADE ON UPDATE CASCADE,
    username        text NOT NULL,
    password_sealed text NOT NULL
);

-- Our own authority for the certificates of BMCs; there is one.
CREATE TABLE bmc_authority (
    name        text PRIMARY KEY,
    certificate text NOT NULL,
    key_sealed  text NOT NULL
);

-- BMCs that asked for an address and are in no plan.
CREATE TABLE bmc_stranger (
    mac     macaddr PRIMARY KEY,
    network text NOT NULL,
    vendor  text NOT NULL,
    since   timestamptz NOT NULL,
    seen    timestamptz NOT NULL
);

-- Which process has a BMC in hand. owner: empty for nobody. wanted: another process waits
-- for it. refused_*: which version of its row in bmc the BMC refused to let in, and its words.
CREATE TABLE bmc_hold (
    machine_id      uuid PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    owner           text NOT NULL,
    until           timestamptz NOT NULL,
    wanted          boolean NOT NULL,
    refused_version text NOT NULL,
    refused_at      timestamptz,
    refused_words   text NOT NULL,
    refused_hint    text NOT NULL
);
CREATE TRIGGER tell AFTER UPDATE ON bmc_hold FOR EACH ROW
    WHEN (NEW.wanted AND (NOT OLD.wanted OR NEW.owner = '')) EXECUTE FUNCTION rackwright_tell('holds');

-- How far the log of a BMC is in the journal, and our subscription to its events.
CREATE TABLE bmc_log (
    machine_id   uuid PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    cursor       text NOT NULL,
    subscription text NOT NULL,
    read_at      timestamptz NOT NULL
);

-- +goose Down

DROP TABLE bmc_log, bmc_hold, bmc_stranger, bmc_authority, factory_login;
ALTER TABLE bmc DROP claimed_at, DROP next_certificate, DROP planned_certificate,
    DROP planned_username, DROP former_username, DROP pending_username, DROP planned_sealed, DROP former_sealed, DROP pending_sealed;
ALTER TABLE revision DROP plans;
