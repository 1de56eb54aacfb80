-- +goose Up

-- Who did what. One chain: hash is over the entry and prev, which is the hash before it. The
-- texts are kept as they were hashed, so the states are no jsonb and the address no inet.
CREATE TABLE audit (
    seq          bigint PRIMARY KEY CHECK (seq > 0),
    at           timestamptz NOT NULL,
    stage        text NOT NULL CHECK (stage IN ('asked', 'answered', 'refused', 'done')),
    asks         bigint NOT NULL,
    actor        text COLLATE "C" NOT NULL,
    token_id     text NOT NULL,
    role         text NOT NULL,
    address      text NOT NULL,
    request_id   text NOT NULL,
    approval_id  text NOT NULL,
    approved_by  text NOT NULL,
    method       text NOT NULL,
    route        text COLLATE "C" NOT NULL,
    path         text NOT NULL,
    target       text COLLATE "C" NOT NULL,
    target_id    text COLLATE "C" NOT NULL,
    status       integer NOT NULL,
    reason       text NOT NULL,
    state_before text NOT NULL,
    state_after  text NOT NULL,
    prev         text NOT NULL CHECK (length(prev) = 64),
    hash         text NOT NULL CHECK (length(hash) = 64)
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_asks ON audit (asks) WHERE asks > 0;
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_target ON audit (target, seq);
CREATE INDEX audit_target_id ON audit (target_id, seq) WHERE target_id <> '';
CREATE INDEX audit_route ON audit (route, seq);

-- Where the chain ends. Who appends holds this row.
CREATE TABLE audit_head (
    one  smallint PRIMARY KEY CHECK (one = 1),
    seq  bigint NOT NULL,
    hash text NOT NULL CHECK (length(hash) = 64)
);
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- +goose StatementBegin
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit: % of % is not allowed', lower(TG_OP), TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_stays';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_head_kept BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (NEW.seq <> OLD.seq + 1) EXECUTE FUNCTION audit_stays();

-- Requests that wait for a second person. What was sent is sealed.
CREATE TABLE approval (
    id             uuid PRIMARY KEY,
    state          text NOT NULL CHECK (state IN ('waiting', 'approved', 'refused', 'done')),
    actor          text COLLATE "C" NOT NULL,
    caller_id      text NOT NULL,
    role           text NOT NULL,
    route          text NOT NULL,
    method         text NOT NULL,
    path           text NOT NULL,
    machines       integer NOT NULL CHECK (machines > 0),
    reason         text NOT NULL,
    request_sealed text NOT NULL,
    asked_at       timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    decided_by     text NOT NULL,
    decided_at     timestamptz,
    decision       text NOT NULL,
    status         integer NOT NULL,
    location       text NOT NULL
);
CREATE INDEX approval_asked ON approval (asked_at);
CREATE INDEX approval_waiting ON approval (caller_id) WHERE state = 'waiting';

-- How many machines whose destructive requests touched of late.
CREATE TABLE destruction (
    id        uuid PRIMARY KEY,
    actor     text COLLATE "C" NOT NULL,
    caller_id text NOT NULL,
    machines  integer NOT NULL,
    at        timestamptz NOT NULL
);
CREATE INDEX destruction_at ON destruction (at);

-- +goose Down

DROP TABLE destruction, approval, audit_head, audit;
DROP FUNCTION audit_stays();
