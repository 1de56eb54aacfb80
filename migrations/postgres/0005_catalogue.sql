-- +goose Up

ALTER TABLE image
    ADD COLUMN kind text NOT NULL DEFAULT 'disk' CHECK (kind IN ('disk', 'rootfs', 'netboot', 'iso')),
    ADD COLUMN args text NOT NULL DEFAULT '',
    ADD COLUMN answers text NOT NULL DEFAULT '',
    ADD COLUMN template text NOT NULL DEFAULT '',
    ADD COLUMN signed text NOT NULL DEFAULT '';
CREATE INDEX image_digest ON image (digest);

-- Files of an image that are kept whole.
CREATE TABLE image_part (
    image_id uuid NOT NULL REFERENCES image ON DELETE CASCADE,
    position integer NOT NULL,
    name     text NOT NULL,
    digest   text NOT NULL,
    bytes    bigint NOT NULL,
    PRIMARY KEY (image_id, position)
);
CREATE INDEX image_part_digest ON image_part (digest);

-- order_sealed: what was asked, until the import has ended.
CREATE TABLE image_import (
    id           uuid PRIMARY KEY,
    name         text COLLATE "C" NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('disk', 'rootfs', 'netboot', 'iso', 'part')),
    origin       text NOT NULL,
    state        text NOT NULL CHECK (state IN ('receiving', 'queued', 'fetching', 'checking', 'done', 'failed')),
    order_sealed text NOT NULL,
    bytes        bigint NOT NULL,
    done_bytes   bigint NOT NULL,
    digest       text NOT NULL,
    error        text NOT NULL,
    hint         text NOT NULL,
    actor        text NOT NULL,
    lease_owner  text NOT NULL,
    lease_until  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX image_import_open ON image_import (created_at) WHERE state NOT IN ('done', 'failed');

-- +goose Down

DROP TABLE image_import, image_part;
DROP INDEX image_digest;
ALTER TABLE image DROP COLUMN signed, DROP COLUMN template, DROP COLUMN answers, DROP COLUMN args, DROP COLUMN kind;
