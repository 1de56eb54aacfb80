-- +goose Up

-- door: how its holder shows who it is. login and device are sessions: a person may have
-- several, so their names are not unique. certificate: a name in a client certificate that
-- stands for a secret.
ALTER TABLE token ADD COLUMN door text NOT NULL DEFAULT 'token' CHECK (door IN ('token', 'certificate', 'login', 'device'));
ALTER TABLE token ADD COLUMN certificate text COLLATE "C" NOT NULL DEFAULT '';
DROP INDEX token_name;
CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked_at IS NULL AND door IN ('token', 'certificate');
CREATE UNIQUE INDEX token_certificate ON token (certificate) WHERE revoked_at IS NULL AND certificate <> '';

-- What opened a session, so that it opens no other; kept while it could be shown again.
CREATE TABLE login_once (
    shown text PRIMARY KEY,
    until timestamptz NOT NULL
);

-- A code opens one session for work on a rack.
CREATE TABLE rack_code (
    id         uuid PRIMARY KEY,
    hash       text NOT NULL UNIQUE,
    rack       text COLLATE "C" NOT NULL,
    person     text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL
);

-- +goose Down

DROP TABLE rack_code;
DROP TABLE login_once;
DELETE FROM token WHERE door <> 'token';
DROP INDEX token_certificate;
DROP INDEX token_name;
ALTER TABLE token DROP COLUMN certificate;
ALTER TABLE token DROP COLUMN door;
CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked_at IS NULL;
