-- +goose Up

ALTER TABLE image ADD COLUMN kind text NOT NULL DEFAULT 'disk' CHECK (kind IN ('disk', 'rootfs', 'netboot', 'iso'));
ALTER TABLE image ADD COLUMN args text NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN answers text NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN template text NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN signed text NOT NULL DEFAULT '';
CREATE INDEX image_digest ON image (digest);

-- Files of an image that are kept whole.
CREATE TABLE image_part (
    image_id text NOT NULL REFERENCES image ON DELETE CASCADE,
    position integer NOT NULL,
    name     text NOT NULL,
    digest   text NOT NULL,
    bytes    integer NOT NULL,
    PRIMARY KEY (image_id, position)
) STRICT;
CREATE INDEX image_part_digest ON image_part (digest);

-- order_sealed: what was asked, until the import has ended.
CREATE TABLE image_import (
    id           text PRIMARY KEY,
    name         text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('disk', 'rootfs', 'netboot', 'iso', 'part')),
    origin       text NOT NULL,
    state        text NOT NULL CHECK (state IN ('receiving', 'queued', 'fetching', 'checking', 'done', 'failed')),
    order_sealed text NOT NULL,
    bytes        integer NOT NULL,
    done_bytes   integer NOT NULL,
    digest       text NOT NULL,
    error        text NOT NULL,
    hint         text NOT NULL,
    actor        text NOT NULL,
    lease_owner  text NOT NULL,
    lease_until  integer NOT NULL,
    created_at   integer NOT NULL,
    updated_at   integer NOT NULL
) STRICT;
CREATE INDEX image_import_open ON image_import (created_at) WHERE state NOT IN ('done', 'failed');

-- +goose Down

DROP TABLE image_import;
DROP TABLE image_part;
DROP INDEX image_digest;
ALTER TABLE image DROP COLUMN signed;
ALTER TABLE image DROP COLUMN template;
ALTER TABLE image DROP COLUMN answers;
ALTER TABLE image DROP COLUMN args;
ALTER TABLE image DROP COLUMN kind;
