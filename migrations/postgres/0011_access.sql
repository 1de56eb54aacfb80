-- +goose Up

-- scope: sites, racks and projects within which it is good. A name is free again once its
-- token is revoked; the hash of one is kept, so that it stays refused.
ALTER TABLE token DROP CONSTRAINT token_role_check, DROP CONSTRAINT token_name_key;
ALTER TABLE token ADD CONSTRAINT token_role_check CHECK (role IN ('viewer', 'technician', 'operator', 'admin', 'service')),
    ADD COLUMN scope jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN created_by text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN revoked_at timestamptz;
ALTER TABLE token ALTER COLUMN scope DROP DEFAULT, ALTER COLUMN created_by DROP DEFAULT;
CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked_at IS NULL;

-- +goose Down

DELETE FROM token WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL OR scope <> '{}' OR role NOT IN ('viewer', 'operator', 'admin');
DROP INDEX token_name;
ALTER TABLE token DROP CONSTRAINT token_role_check, DROP COLUMN scope, DROP COLUMN created_by, DROP COLUMN expires_at, DROP COLUMN last_used_at, DROP COLUMN revoked_at;
ALTER TABLE token ADD CONSTRAINT token_role_check CHECK (role IN ('viewer', 'operator', 'admin')), ADD CONSTRAINT token_name_key UNIQUE (name);
