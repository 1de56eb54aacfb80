-- +goose Up

-- scope: sites, racks and projects within which it is good. A name is free again once its
-- token is revoked; the hash of one is kept, so that it stays refused.
CREATE TABLE token_new (
    id           text PRIMARY KEY,
    name         text NOT NULL,
    hash         text NOT NULL UNIQUE,
    role         text NOT NULL CHECK (role IN ('viewer', 'technician', 'operator', 'admin', 'service')),
    scope        text NOT NULL,
    created_at   integer NOT NULL,
    created_by   text NOT NULL,
    expires_at   integer,
    last_used_at integer,
    revoked_at   integer
) STRICT;
INSERT INTO token_new (id, name, hash, role, scope, created_at, created_by) SELECT id, name, hash, role, '{}', created_at, '' FROM token;
DROP TABLE token;
ALTER TABLE token_new RENAME TO token;
CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked_at IS NULL;

-- +goose Down

CREATE TABLE token_old (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    hash       text NOT NULL UNIQUE,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at integer NOT NULL
) STRICT;
INSERT INTO token_old (id, name, hash, role, created_at) SELECT id, name, hash, role, created_at FROM token
    WHERE revoked_at IS NULL AND expires_at IS NULL AND scope = '{}' AND role IN ('viewer', 'operator', 'admin');
DROP TABLE token;
ALTER TABLE token_old RENAME TO token;
