-- +goose Up

-- The kind of the fault that an import failed with.
ALTER TABLE image_import ADD COLUMN fault text NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE image_import DROP COLUMN fault;
