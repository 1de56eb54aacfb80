-- +goose Up

-- Machines by what lists are sorted and filtered by.
DROP INDEX machine_rack;
CREATE INDEX machine_rack ON machine (rack_id, u);
CREATE INDEX machine_created ON machine (created_at, id);
CREATE INDEX machine_updated ON machine (updated_at, id);
CREATE INDEX machine_vendor ON machine (vendor, name);
CREATE INDEX machine_image ON machine (image, name);
CREATE INDEX machine_held ON machine (hold_until) WHERE hold_until IS NOT NULL;
CREATE INDEX condition_type ON condition (type, machine_id);

-- +goose Down

DROP INDEX condition_type;
DROP INDEX machine_held;
DROP INDEX machine_image;
DROP INDEX machine_vendor;
DROP INDEX machine_updated;
DROP INDEX machine_created;
DROP INDEX machine_rack;
CREATE INDEX machine_rack ON machine (rack_id);
