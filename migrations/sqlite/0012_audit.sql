-- +goose Up

-- Who did what. One chain: hash is over the entry and prev, which is the hash before it. The
-- texts are kept as they were hashed.
CREATE TABLE audit (
    seq          integer PRIMARY KEY CHECK (seq > 0),
    at           integer NOT NULL,
    stage        text NOT NULL CHECK (stage IN ('asked', 'answered', 'refused', 'done')),
    asks         integer NOT NULL,
    actor        text NOT NULL,
    token_id     text NOT NULL,
    role         text NOT NULL,
    address      text NOT NULL,
    request_id   text NOT NULL,
    approval_id  text NOT NULL,
    approved_by  text NOT NULL,
    method       text NOT NULL,
    route        text NOT NULL,
    path         text NOT NULL,
    target       text NOT NULL,
    target_id    text NOT NULL,
    status       integer NOT NULL,
    reason       text NOT NULL,
    state_before text NOT NULL,
    state_after  text NOT NULL,
    prev         text NOT NULL CHECK (length(prev) = 64),
    hash         text NOT NULL CHECK (length(hash) = 64)
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_asks ON audit (asks) WHERE asks > 0;
CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_target ON audit (target, seq);
CREATE INDEX audit_target_id ON audit (target_id, seq) WHERE target_id <> '';
CREATE INDEX audit_route ON audit (route, seq);

-- Where the chain ends. Who appends holds this row.
CREATE TABLE audit_head (
    one  integer PRIMARY KEY CHECK (one = 1),
    seq  integer NOT NULL,
    hash text NOT NULL CHECK (length(hash) = 64)
) STRICT;
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- +goose StatementBegin
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit: entries are not changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit: entries are not removed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.seq <> OLD.seq + 1
BEGIN SELECT RAISE(ABORT, 'audit: the chain grows by one'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_head_kept BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'audit: the head is not removed'); END;
-- +goose StatementEnd

-- Requests that wait for a second person. What was sent is sealed.
CREATE TABLE approval (
    id             text PRIMARY KEY,
    state          text NOT NULL CHECK (state IN ('waiting', 'approved', 'refused', 'done')),
    actor          text NOT NULL,
    caller_id      text NOT NULL,
    role           text NOT NULL,
    route          text NOT NULL,
    method         text NOT NULL,
    path           text NOT NULL,
    machines       integer NOT NULL CHECK (machines > 0),
    reason         text NOT NULL,
    request_sealed text NOT NULL,
    asked_at       integer NOT NULL,
    expires_at     integer NOT NULL,
    decided_by     text NOT NULL,
    decided_at     integer,
    decision       text NOT NULL,
    status         integer NOT NULL,
    location       text NOT NULL
) STRICT;
CREATE INDEX approval_asked ON approval (asked_at);
CREATE INDEX approval_waiting ON approval (caller_id) WHERE state = 'waiting';

-- How many machines whose destructive requests touched of late.
CREATE TABLE destruction (
    id        text PRIMARY KEY,
    actor     text NOT NULL,
    caller_id text NOT NULL,
    machines  integer NOT NULL,
    at        integer NOT NULL
) STRICT;
CREATE INDEX destruction_at ON destruction (at);

-- +goose Down

DROP TABLE destruction;
DROP TABLE approval;
DROP TABLE audit_head;
DROP TABLE audit;
