-- +goose Up

CREATE TABLE project (
    id     text PRIMARY KEY,
    name   text NOT NULL UNIQUE,
    labels text NOT NULL
) STRICT;

-- A kind of gear; spec is what each one of it is like.
CREATE TABLE model (
    id      text PRIMARY KEY,
    name    text NOT NULL UNIQUE,
    kind    text NOT NULL CHECK (kind IN ('machine', 'switch', 'pdu', 'chassis', 'panel', 'other')),
    spec    text NOT NULL,
    version integer NOT NULL
) STRICT;

-- spec: room, row, numbering, depth, feeds, reservations, labels, tags, waivers. A rack carries
-- no more than it may; weights are kilograms, a limit of 0 is unknown.
ALTER TABLE rack ADD COLUMN spec text NOT NULL DEFAULT '{}';
ALTER TABLE rack ADD COLUMN weight_kg real NOT NULL DEFAULT 0;
ALTER TABLE rack ADD COLUMN weight_limit_kg real NOT NULL DEFAULT 0 CONSTRAINT rack_weight CHECK (weight_limit_kg = 0 OR weight_kg <= weight_limit_kg);

-- One supply of a rack. worst_w is what it carries when any other supply is lost.
CREATE TABLE rack_feed (
    rack_id  text NOT NULL REFERENCES rack ON DELETE CASCADE,
    name     text NOT NULL,
    usable_w real NOT NULL,
    worst_w  real NOT NULL,
    PRIMARY KEY (rack_id, name),
    CONSTRAINT rack_feed_power CHECK (worst_w <= usable_w)
) STRICT;

-- Gear that is not provisioned: switches, PDUs, chassis. spec: LLDP name, ports, power
-- supplies, bays, labels, tags. U 0 is beside the units.
CREATE TABLE device (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('switch', 'pdu', 'chassis', 'panel', 'other')),
    rack_id    text NOT NULL REFERENCES rack,
    u          integer NOT NULL CHECK (u >= 0),
    height     integer NOT NULL,
    face       text NOT NULL CHECK (face IN ('front', 'rear')),
    full_depth integer NOT NULL,
    side       text NOT NULL CHECK (side IN ('', 'left', 'right')),
    model      text NOT NULL,
    serial     text NOT NULL,
    asset_tag  text NOT NULL,
    spec       text NOT NULL,
    version    integer NOT NULL
) STRICT;
CREATE INDEX device_rack ON device (rack_id);

-- psus, waivers: as planned. hold_*: the maintenance lock. left_*: where it stood when it retired.
-- adopted: ids of the records that turned out to be this machine, a list.
ALTER TABLE machine ADD COLUMN full_depth integer NOT NULL DEFAULT 0;
ALTER TABLE machine ADD COLUMN side text NOT NULL DEFAULT '' CHECK (side IN ('', 'left', 'right'));
ALTER TABLE machine ADD COLUMN chassis_id text REFERENCES device;
ALTER TABLE machine ADD COLUMN bay text NOT NULL DEFAULT '';
ALTER TABLE machine ADD COLUMN psus text;
ALTER TABLE machine ADD COLUMN waivers text;
ALTER TABLE machine ADD COLUMN asset_tag text NOT NULL DEFAULT '';
ALTER TABLE machine ADD COLUMN batch text NOT NULL DEFAULT '';
ALTER TABLE machine ADD COLUMN project_id text REFERENCES project;
ALTER TABLE machine ADD COLUMN hold_by text NOT NULL DEFAULT '';
ALTER TABLE machine ADD COLUMN hold_reason text NOT NULL DEFAULT '';
ALTER TABLE machine ADD COLUMN hold_since integer;
ALTER TABLE machine ADD COLUMN hold_until integer;
ALTER TABLE machine ADD COLUMN replaces text;
ALTER TABLE machine ADD COLUMN left_rack_id text REFERENCES rack;
ALTER TABLE machine ADD COLUMN left_slot text;
ALTER TABLE machine ADD COLUMN adopted text;
ALTER TABLE machine ADD COLUMN erased_at integer;
ALTER TABLE machine ADD COLUMN verify_due integer NOT NULL DEFAULT 0;
UPDATE machine SET verify_due = 1 WHERE facts IS NOT NULL;
CREATE UNIQUE INDEX machine_bay ON machine (chassis_id, bay) WHERE chassis_id IS NOT NULL;
CREATE UNIQUE INDEX machine_asset_tag ON machine (asset_tag) WHERE asset_tag <> '' AND phase <> 'retired';
CREATE INDEX machine_rack ON machine (rack_id);
CREATE INDEX machine_left ON machine (left_rack_id) WHERE left_rack_id IS NOT NULL;
CREATE INDEX machine_list ON machine (name);
CREATE INDEX machine_phase ON machine (phase, name);
CREATE INDEX machine_verify_due ON machine (rack_id) WHERE verify_due;
CREATE INDEX machine_batch ON machine (model, batch) WHERE batch <> '';

-- networks: the revision at which one last changed. complete: the oldest since which boot_change
-- names every machine that changed.
ALTER TABLE revision ADD COLUMN networks integer NOT NULL DEFAULT 0;
ALTER TABLE revision ADD COLUMN complete integer NOT NULL DEFAULT 0;
UPDATE revision SET complete = n;

-- Machines whose part of the boot view changed, or that went, by the revision at which they last did.
CREATE TABLE boot_change (
    machine_id text PRIMARY KEY,
    revision   integer NOT NULL
) STRICT;
CREATE INDEX boot_change_revision ON boot_change (revision);

-- One thing in a cell of a rack: a machine, a device, or a reservation of the rack itself.
DROP TABLE slot_cell;
CREATE TABLE slot_cell (
    rack_id    text NOT NULL REFERENCES rack ON DELETE CASCADE,
    face       text NOT NULL CHECK (face IN ('front', 'rear')),
    u          integer NOT NULL,
    side       text NOT NULL CHECK (side IN ('left', 'right')),
    machine_id text REFERENCES machine ON DELETE CASCADE,
    device_id  text REFERENCES device ON DELETE CASCADE,
    PRIMARY KEY (rack_id, face, u, side),
    CHECK (machine_id IS NULL OR device_id IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_cell_machine ON slot_cell (machine_id);
CREATE INDEX slot_cell_device ON slot_cell (device_id);
WITH RECURSIVE c(u) AS (SELECT 1 UNION ALL SELECT u + 1 FROM c WHERE u < 100), s(side) AS (VALUES ('left'), ('right'))
INSERT INTO slot_cell (rack_id, face, u, side, machine_id)
    SELECT m.rack_id, m.face, c.u, s.side, m.id FROM machine m, c, s WHERE m.rack_id IS NOT NULL AND c.u >= m.u AND c.u < m.u + m.height;

-- A port may be planned before its MAC is known.
ALTER TABLE nic RENAME TO nic_old;
CREATE TABLE nic (
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    mac        text CONSTRAINT nic_mac UNIQUE,
    position   integer NOT NULL,
    name       text NOT NULL,
    network_id text REFERENCES network,
    address    text,
    boot       integer NOT NULL,
    connector  text NOT NULL DEFAULT '',
    bond       text NOT NULL DEFAULT '',
    PRIMARY KEY (machine_id, name),
    UNIQUE (network_id, address)
) STRICT, WITHOUT ROWID;
INSERT INTO nic (machine_id, mac, position, name, network_id, address, boot)
    SELECT machine_id, mac, position, name, network_id, address, boot FROM nic_old;
DROP TABLE nic_old;

-- Which connectors a type of cable joins: a is the end that plans it.
CREATE TABLE cable_fit (
    type text NOT NULL,
    a    text NOT NULL,
    b    text NOT NULL,
    PRIMARY KEY (type, a, b)
) STRICT;
INSERT INTO cable_fit (type, a, b) VALUES
    ('c14-c13', 'c14', 'c13'), ('c20-c19', 'c20', 'c19'), ('c20-c13', 'c14', 'c19'),
    ('cat5e', 'rj45', 'rj45'), ('cat6', 'rj45', 'rj45'), ('cat6a', 'rj45', 'rj45'),
    ('dac', 'sfp', 'sfp'), ('dac', 'qsfp', 'qsfp'), ('dac', 'osfp', 'osfp'),
    ('aoc', 'sfp', 'sfp'), ('aoc', 'qsfp', 'qsfp'), ('aoc', 'osfp', 'osfp'),
    ('mmf', 'sfp', 'sfp'), ('mmf', 'qsfp', 'qsfp'), ('mmf', 'osfp', 'osfp'),
    ('smf', 'sfp', 'sfp'), ('smf', 'qsfp', 'qsfp'), ('smf', 'osfp', 'osfp'),
    ('breakout', 'sfp', 'qsfp'), ('breakout', 'qsfp', 'sfp'), ('breakout', 'qsfp', 'osfp'), ('breakout', 'osfp', 'qsfp');

-- A connector that is not known (NULL) fits everything.
CREATE TABLE cable (
    id          text PRIMARY KEY,
    type        text NOT NULL,
    a_connector text,
    b_connector text,
    length_m    real NOT NULL,
    label       text NOT NULL,
    CONSTRAINT cable_fits FOREIGN KEY (type, a_connector, b_connector) REFERENCES cable_fit
) STRICT;

-- The two ends of a cable; a port holds one. owner is a machine or a device, side a the one that plans it.
CREATE TABLE cable_end (
    owner_id text NOT NULL,
    port     text NOT NULL,
    cable_id text NOT NULL REFERENCES cable ON DELETE CASCADE,
    side     text NOT NULL CHECK (side IN ('a', 'b')),
    PRIMARY KEY (owner_id, port),
    UNIQUE (cable_id, side)
) STRICT, WITHOUT ROWID;

-- Networks of one routing domain do not overlap: a span is the network's addresses behind a
-- number for its domain. A network without spans is about to get new ones.
ALTER TABLE network ADD COLUMN vlan integer NOT NULL DEFAULT 0 CHECK (vlan BETWEEN 0 AND 4094);
ALTER TABLE network ADD COLUMN routing_domain text NOT NULL DEFAULT '';
ALTER TABLE network ADD COLUMN span_first integer;
ALTER TABLE network ADD COLUMN span_last integer;
-- +goose StatementBegin
CREATE TRIGGER network_cidr_insert BEFORE INSERT ON network WHEN NEW.span_first IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'network_cidr') WHERE EXISTS (SELECT 1 FROM network n
        WHERE n.id <> NEW.id AND n.span_first <= NEW.span_last AND n.span_last >= NEW.span_first);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER network_cidr_update BEFORE UPDATE ON network WHEN NEW.span_first IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'network_cidr') WHERE EXISTS (SELECT 1 FROM network n
        WHERE n.id <> NEW.id AND n.span_first <= NEW.span_last AND n.span_last >= NEW.span_first);
END;
-- +goose StatementEnd

-- Labels; a tag is a label without a value.
CREATE TABLE machine_label (
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    key        text NOT NULL,
    value      text NOT NULL,
    PRIMARY KEY (machine_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_label_value ON machine_label (key, value, machine_id);

-- What a machine is found by in a search: each word in lower case, found by its beginning,
-- and its labels, tags, project and model as they are (label/KEY=VALUE). The machine's name
-- stands beside it, so that a page of one word's machines is read in their order.
CREATE TABLE machine_word (
    word       text NOT NULL,
    name       text NOT NULL,
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    PRIMARY KEY (word, name, machine_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_word_machine ON machine_word (machine_id, word);

-- One condition for each part: subject is which, '' for the machine.
ALTER TABLE condition RENAME TO condition_old;
CREATE TABLE condition (
    machine_id    text NOT NULL REFERENCES machine ON DELETE CASCADE,
    type          text NOT NULL,
    subject       text NOT NULL DEFAULT '',
    reason        text NOT NULL,
    evidence      text NOT NULL,
    hint          text NOT NULL,
    since         integer NOT NULL,
    waived_by     text NOT NULL DEFAULT '',
    waived_reason text NOT NULL DEFAULT '',
    waived_at     integer,
    PRIMARY KEY (machine_id, type, subject)
) STRICT;
INSERT INTO condition (machine_id, type, reason, evidence, hint, since) SELECT machine_id, type, reason, evidence, hint, since FROM condition_old;
DROP TABLE condition_old;

-- The newest facts of each source.
CREATE TABLE observation (
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    source     text NOT NULL,
    at         integer NOT NULL,
    facts      text NOT NULL,
    PRIMARY KEY (machine_id, source)
) STRICT;
INSERT INTO observation (machine_id, source, at, facts) SELECT id, facts ->> 'source', updated_at, facts FROM machine WHERE facts IS NOT NULL;

-- Components as they came and went: a row is written when one changes. A serial number
-- tells through which machines a part went.
CREATE TABLE part (
    id         integer PRIMARY KEY AUTOINCREMENT,
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    source     text NOT NULL,
    kind       text NOT NULL,
    location   text NOT NULL,
    serial     text NOT NULL,
    model      text NOT NULL,
    seen_at    integer NOT NULL,
    gone_at    integer
) STRICT;
CREATE UNIQUE INDEX part_present ON part (machine_id, source, kind, location) WHERE gone_at IS NULL;
CREATE INDEX part_serial ON part (serial) WHERE serial <> '';
CREATE INDEX part_machine ON part (machine_id, id);

-- Where and by what a machine was seen: the evidence that binds it to a slot.
CREATE TABLE identifier (
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    kind       text NOT NULL,
    value      text NOT NULL,
    source     text NOT NULL,
    first_at   integer NOT NULL,
    last_at    integer NOT NULL,
    PRIMARY KEY (machine_id, kind, value)
) STRICT;
CREATE INDEX identifier_value ON identifier (kind, value);

-- What a person said of one step of racking a machine or a device.
CREATE TABLE racking_mark (
    owner_id   text NOT NULL,
    machine_id text REFERENCES machine ON DELETE CASCADE,
    device_id  text REFERENCES device ON DELETE CASCADE,
    step       text NOT NULL,
    state      text NOT NULL CHECK (state IN ('done', 'held', 'waived')),
    at         integer NOT NULL,
    actor      text NOT NULL,
    reason     text NOT NULL,
    detail     text,
    PRIMARY KEY (owner_id, step),
    CHECK ((machine_id IS NULL) <> (device_id IS NULL))
) STRICT;

-- Sign-off records of racks, never changed.
CREATE TABLE signoff (
    id      text PRIMARY KEY,
    rack_id text NOT NULL REFERENCES rack ON DELETE CASCADE,
    at      integer NOT NULL,
    actor   text NOT NULL,
    record  text NOT NULL
) STRICT;
CREATE INDEX signoff_rack ON signoff (rack_id, at);

-- +goose Down
DROP TABLE signoff;
DROP TABLE racking_mark;
DROP TABLE identifier;
DROP TABLE part;
DROP TABLE observation;
DROP TABLE machine_word;
DROP TABLE machine_label;
DROP TABLE cable_end;
DROP TABLE cable;
DROP TABLE cable_fit;
DROP TABLE boot_change;
ALTER TABLE revision DROP COLUMN networks;
ALTER TABLE revision DROP COLUMN complete;
DROP TABLE rack_feed;
DROP TABLE condition;
CREATE TABLE condition (
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    type       text NOT NULL,
    reason     text NOT NULL,
    evidence   text NOT NULL,
    hint       text NOT NULL,
    since      integer NOT NULL,
    PRIMARY KEY (machine_id, type)
) STRICT;
DROP TRIGGER network_cidr_insert;
DROP TRIGGER network_cidr_update;
ALTER TABLE network DROP COLUMN vlan;
ALTER TABLE network DROP COLUMN routing_domain;
ALTER TABLE network DROP COLUMN span_first;
ALTER TABLE network DROP COLUMN span_last;
DROP TABLE slot_cell;
CREATE TABLE slot_cell (
    rack_id    text NOT NULL REFERENCES rack,
    face       text NOT NULL,
    u          integer NOT NULL,
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    PRIMARY KEY (rack_id, face, u)
) STRICT;
CREATE INDEX slot_cell_machine ON slot_cell (machine_id);
ALTER TABLE nic RENAME TO nic_new;
CREATE TABLE nic (
    mac        text PRIMARY KEY,
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    position   integer NOT NULL,
    name       text NOT NULL,
    network_id text REFERENCES network,
    address    text,
    boot       integer NOT NULL,
    UNIQUE (machine_id, name),
    UNIQUE (network_id, address)
) STRICT;
INSERT INTO nic (mac, machine_id, position, name, network_id, address, boot)
    SELECT mac, machine_id, position, name, network_id, address, boot FROM nic_new WHERE mac IS NOT NULL;
DROP TABLE nic_new;
DROP INDEX machine_bay;
DROP INDEX machine_asset_tag;
DROP INDEX machine_rack;
DROP INDEX machine_left;
DROP INDEX machine_list;
DROP INDEX machine_phase;
DROP INDEX machine_verify_due;
DROP INDEX machine_batch;
ALTER TABLE machine DROP COLUMN full_depth;
ALTER TABLE machine DROP COLUMN side;
ALTER TABLE machine DROP COLUMN chassis_id;
ALTER TABLE machine DROP COLUMN bay;
ALTER TABLE machine DROP COLUMN psus;
ALTER TABLE machine DROP COLUMN waivers;
ALTER TABLE machine DROP COLUMN asset_tag;
ALTER TABLE machine DROP COLUMN batch;
ALTER TABLE machine DROP COLUMN project_id;
ALTER TABLE machine DROP COLUMN hold_by;
ALTER TABLE machine DROP COLUMN hold_reason;
ALTER TABLE machine DROP COLUMN hold_since;
ALTER TABLE machine DROP COLUMN hold_until;
ALTER TABLE machine DROP COLUMN replaces;
ALTER TABLE machine DROP COLUMN left_rack_id;
ALTER TABLE machine DROP COLUMN left_slot;
ALTER TABLE machine DROP COLUMN adopted;
ALTER TABLE machine DROP COLUMN erased_at;
ALTER TABLE machine DROP COLUMN verify_due;
ALTER TABLE rack DROP COLUMN weight_limit_kg;
ALTER TABLE rack DROP COLUMN weight_kg;
ALTER TABLE rack DROP COLUMN spec;
DROP TABLE device;
DROP TABLE model;
DROP TABLE project;
