-- +goose Up

-- Requests that were sent with an Idempotency-Key, and what was answered. sealed: a digest
-- of the request, and the answer once there is one.
CREATE TABLE once (
    caller   text NOT NULL,
    key      text NOT NULL,
    holder   text NOT NULL,
    done     integer NOT NULL,
    sealed   text NOT NULL,
    begun_at integer NOT NULL,
    until    integer NOT NULL, -- not done by then: whoever did it is gone
    PRIMARY KEY (caller, key)
) STRICT;
CREATE INDEX once_begun ON once (begun_at);

-- Lists are read from behind the last one seen.
CREATE INDEX operation_created ON operation (created_at, id);
CREATE INDEX certificate_ended ON certificate (ended_at, id);

-- +goose Down

DROP INDEX certificate_ended;
DROP INDEX operation_created;
DROP TABLE once;
