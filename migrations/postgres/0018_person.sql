-- +goose Up

-- owner: the person who answers for it; of a session, its person. subject: how the identity
-- provider tells that person from all others. giver: id of what gave the code that opened it.
ALTER TABLE token ADD COLUMN owner text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN subject text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN giver text NOT NULL DEFAULT '';
CREATE INDEX token_giver ON token (giver) WHERE giver <> '';
ALTER TABLE rack_code ADD COLUMN giver text NOT NULL DEFAULT '';

-- touched: what a request would destroy, by id, as who approves it sees it. asks: its body
-- without what is only written.
ALTER TABLE approval ADD COLUMN owner text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE approval ADD COLUMN subject text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE approval ADD COLUMN touched jsonb NOT NULL DEFAULT '[]';
ALTER TABLE approval ADD COLUMN asks jsonb NOT NULL DEFAULT '{}';

ALTER TABLE destruction ADD COLUMN owner text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE destruction ADD COLUMN subject text COLLATE "C" NOT NULL DEFAULT '';

-- Keys are counted by caller.
CREATE INDEX once_caller ON once (caller, begun_at);

-- +goose Down

DROP INDEX once_caller;
ALTER TABLE destruction DROP COLUMN subject;
ALTER TABLE destruction DROP COLUMN owner;
ALTER TABLE approval DROP COLUMN asks;
ALTER TABLE approval DROP COLUMN touched;
ALTER TABLE approval DROP COLUMN subject;
ALTER TABLE approval DROP COLUMN owner;
ALTER TABLE rack_code DROP COLUMN giver;
DROP INDEX token_giver;
ALTER TABLE token DROP COLUMN giver;
ALTER TABLE token DROP COLUMN subject;
ALTER TABLE token DROP COLUMN owner;
