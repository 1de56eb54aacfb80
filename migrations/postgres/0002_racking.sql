-- +goose Up

CREATE TABLE project (
    id     uuid PRIMARY KEY,
    name   text COLLATE "C" NOT NULL UNIQUE,
    labels jsonb NOT NULL
);

-- A kind of gear; spec is what each one of it is like.
CREATE TABLE model (
    id      uuid PRIMARY KEY,
    name    text COLLATE "C" NOT NULL UNIQUE,
    kind    text NOT NULL CHECK (kind IN ('machine', 'switch', 'pdu', 'chassis', 'panel', 'other')),
    spec    jsonb NOT NULL,
    version bigint NOT NULL
);

-- spec: room, row, numbering, depth, feeds, reservations, labels, tags, waivers. A rack carries
-- no more than it may; weights are kilograms, a limit of 0 is unknown.
ALTER TABLE rack
    ADD spec            jsonb NOT NULL DEFAULT '{}',
    ADD weight_kg       double precision NOT NULL DEFAULT 0,
    ADD weight_limit_kg double precision NOT NULL DEFAULT 0,
    ADD CONSTRAINT rack_weight CHECK (weight_limit_kg = 0 OR weight_kg <= weight_limit_kg);

-- One supply of a rack. worst_w is what it carries when any other supply is lost.
CREATE TABLE rack_feed (
    rack_id  uuid NOT NULL REFERENCES rack ON DELETE CASCADE,
    name     text COLLATE "C" NOT NULL,
    usable_w double precision NOT NULL,
    worst_w  double precision NOT NULL,
    PRIMARY KEY (rack_id, name),
    CONSTRAINT rack_feed_power CHECK (worst_w <= usable_w)
);

-- Gear that is not provisioned: switches, PDUs, chassis. spec: LLDP name, ports, power
-- supplies, bays, labels, tags. U 0 is beside the units.
CREATE TABLE device (
    id         uuid PRIMARY KEY,
    name       text COLLATE "C" NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('switch', 'pdu', 'chassis', 'panel', 'other')),
    rack_id    uuid NOT NULL REFERENCES rack,
    u          integer NOT NULL CHECK (u >= 0),
    height     integer NOT NULL,
    face       text NOT NULL CHECK (face IN ('front', 'rear')),
    full_depth boolean NOT NULL,
    side       text NOT NULL CHECK (side IN ('', 'left', 'right')),
    model      text NOT NULL,
    serial     text NOT NULL,
    asset_tag  text NOT NULL,
    spec       jsonb NOT NULL,
    version    bigint NOT NULL
);
CREATE INDEX device_rack ON device (rack_id);

-- psus, waivers: as planned. hold_*: the maintenance lock. left_*: where it stood when it retired.
-- adopted: ids of the records that turned out to be this machine, a list.
ALTER TABLE machine
    ADD full_depth  boolean NOT NULL DEFAULT false,
    ADD side        text NOT NULL DEFAULT '' CHECK (side IN ('', 'left', 'right')),
    ADD chassis_id  uuid REFERENCES device,
    ADD bay         text NOT NULL DEFAULT '',
    ADD psus        jsonb,
    ADD waivers     jsonb,
    ADD asset_tag   text NOT NULL DEFAULT '',
    ADD batch       text NOT NULL DEFAULT '',
    ADD project_id  uuid REFERENCES project,
    ADD hold_by     text NOT NULL DEFAULT '',
    ADD hold_reason text NOT NULL DEFAULT '',
    ADD hold_since  timestamptz,
    ADD hold_until  timestamptz,
    ADD replaces    uuid,
    ADD left_rack_id uuid REFERENCES rack,
    ADD left_slot   jsonb,
    ADD adopted     jsonb,
    ADD erased_at   timestamptz,
    ADD verify_due  boolean NOT NULL DEFAULT false; -- facts or plan changed since it was last compared
UPDATE machine SET verify_due = true WHERE facts IS NOT NULL;
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
ALTER TABLE revision ADD networks bigint NOT NULL DEFAULT 0, ADD complete bigint NOT NULL DEFAULT 0;
UPDATE revision SET complete = n;

-- Machines whose part of the boot view changed, or that went, by the revision at which they last did.
CREATE TABLE boot_change (
    machine_id uuid PRIMARY KEY,
    revision   bigint NOT NULL
);
CREATE INDEX boot_change_revision ON boot_change (revision);

-- Every process on the database is told at once; the ones that miss it look now and then.
-- +goose StatementBegin
CREATE FUNCTION rackwright_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('rackwright', TG_ARGV[0]);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tell AFTER UPDATE ON revision FOR EACH STATEMENT EXECUTE FUNCTION rackwright_tell('changed');
CREATE TRIGGER tell AFTER INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION rackwright_tell('events');
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON operation FOR EACH ROW
    WHEN (NEW.state IN ('queued', 'running') AND NEW.lease_owner = '' AND (NEW.woken OR NEW.due <= NEW.updated_at))
    EXECUTE FUNCTION rackwright_tell('work');
CREATE TRIGGER tell AFTER UPDATE OF verify_due ON machine FOR EACH ROW WHEN (NEW.verify_due) EXECUTE FUNCTION rackwright_tell('verify');

-- One thing in a cell of a rack: a machine, a device, or a reservation of the rack itself.
DROP TABLE slot_cell;
CREATE TABLE slot_cell (
    rack_id    uuid NOT NULL REFERENCES rack ON DELETE CASCADE,
    face       text NOT NULL CHECK (face IN ('front', 'rear')),
    u          integer NOT NULL,
    side       text NOT NULL CHECK (side IN ('left', 'right')),
    machine_id uuid REFERENCES machine ON DELETE CASCADE,
    device_id  uuid REFERENCES device ON DELETE CASCADE,
    PRIMARY KEY (rack_id, face, u, side),
    CHECK (machine_id IS NULL OR device_id IS NULL)
);
CREATE INDEX slot_cell_machine ON slot_cell (machine_id);
CREATE INDEX slot_cell_device ON slot_cell (device_id);
INSERT INTO slot_cell (rack_id, face, u, side, machine_id)
    SELECT m.rack_id, m.face, c.u, s.side, m.id FROM machine m, generate_series(1, 100) AS c(u), (VALUES ('left'), ('right')) AS s(side)
    WHERE m.rack_id IS NOT NULL AND c.u >= m.u AND c.u < m.u + m.height;

-- A port may be planned before its MAC is known.
ALTER TABLE nic
    DROP CONSTRAINT nic_pkey,
    ALTER mac DROP NOT NULL,
    ADD CONSTRAINT nic_mac UNIQUE (mac),
    DROP CONSTRAINT nic_machine_id_name_key,
    ADD CONSTRAINT nic_pkey PRIMARY KEY (machine_id, name),
    ADD connector text NOT NULL DEFAULT '',
    ADD bond      text NOT NULL DEFAULT '';

-- Which connectors a type of cable joins: a is the end that plans it.
CREATE TABLE cable_fit (
    type text NOT NULL,
    a    text NOT NULL,
    b    text NOT NULL,
    PRIMARY KEY (type, a, b)
);
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
    id          uuid PRIMARY KEY,
    type        text NOT NULL,
    a_connector text,
    b_connector text,
    length_m    double precision NOT NULL,
    label       text NOT NULL,
    CONSTRAINT cable_fits FOREIGN KEY (type, a_connector, b_connector) REFERENCES cable_fit
);

-- The two ends of a cable; a port holds one. owner is a machine or a device, side a the one that plans it.
CREATE TABLE cable_end (
    owner_id uuid NOT NULL,
    port     text COLLATE "C" NOT NULL,
    cable_id uuid NOT NULL REFERENCES cable ON DELETE CASCADE,
    side     text NOT NULL CHECK (side IN ('a', 'b')),
    PRIMARY KEY (owner_id, port),
    UNIQUE (cable_id, side)
);

-- Networks of one routing domain do not overlap: a span is the network's addresses behind a number for its domain.
ALTER TABLE network
    ADD vlan           integer NOT NULL DEFAULT 0 CHECK (vlan BETWEEN 0 AND 4094),
    ADD routing_domain text NOT NULL DEFAULT '',
    ADD span_first     bigint,
    ADD span_last      bigint;
ALTER TABLE network DROP CONSTRAINT network_cidr_excl;
UPDATE network SET span_first = host(cidr)::inet - '0.0.0.0'::inet, span_last = host(broadcast(cidr))::inet - '0.0.0.0'::inet;
ALTER TABLE network ADD CONSTRAINT network_cidr_excl EXCLUDE USING gist (int8range(span_first, span_last, '[]') WITH &&) WHERE (span_first IS NOT NULL) DEFERRABLE INITIALLY DEFERRED;

-- Labels; a tag is a label without a value.
CREATE TABLE machine_label (
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    key        text COLLATE "C" NOT NULL,
    value      text COLLATE "C" NOT NULL,
    PRIMARY KEY (machine_id, key)
);
CREATE INDEX machine_label_value ON machine_label (key, value, machine_id);

-- What a machine is found by in a search: each word in lower case, found by its beginning,
-- and its labels, tags, project and model as they are (label/KEY=VALUE). The machine's name
-- stands beside it, so that a page of one word's machines is read in their order.
CREATE TABLE machine_word (
    word       text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    PRIMARY KEY (word, name, machine_id)
);
CREATE INDEX machine_word_machine ON machine_word (machine_id, word);

-- One condition for each part: subject is which, '' for the machine.
ALTER TABLE condition
    ADD subject       text COLLATE "C" NOT NULL DEFAULT '',
    ADD waived_by     text NOT NULL DEFAULT '',
    ADD waived_reason text NOT NULL DEFAULT '',
    ADD waived_at     timestamptz,
    DROP CONSTRAINT condition_pkey,
    ADD PRIMARY KEY (machine_id, type, subject);

-- The newest facts of each source.
CREATE TABLE observation (
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    source     text NOT NULL,
    at         timestamptz NOT NULL,
    facts      jsonb NOT NULL,
    PRIMARY KEY (machine_id, source)
);
INSERT INTO observation (machine_id, source, at, facts) SELECT id, facts ->> 'source', updated_at, facts FROM machine WHERE facts IS NOT NULL;

-- Components as they came and went: a row is written when one changes. A serial number
-- tells through which machines a part went.
CREATE TABLE part (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    source     text NOT NULL,
    kind       text NOT NULL,
    location   text COLLATE "C" NOT NULL,
    serial     text COLLATE "C" NOT NULL,
    model      text NOT NULL,
    seen_at    timestamptz NOT NULL,
    gone_at    timestamptz
);
CREATE UNIQUE INDEX part_present ON part (machine_id, source, kind, location) WHERE gone_at IS NULL;
CREATE INDEX part_serial ON part (serial) WHERE serial <> '';
CREATE INDEX part_machine ON part (machine_id, id);

-- Where and by what a machine was seen: the evidence that binds it to a slot.
CREATE TABLE identifier (
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    kind       text NOT NULL,
    value      text COLLATE "C" NOT NULL,
    source     text NOT NULL,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    PRIMARY KEY (machine_id, kind, value)
);
CREATE INDEX identifier_value ON identifier (kind, value);

-- What a person said of one step of racking a machine or a device.
CREATE TABLE racking_mark (
    owner_id   uuid NOT NULL,
    machine_id uuid REFERENCES machine ON DELETE CASCADE,
    device_id  uuid REFERENCES device ON DELETE CASCADE,
    step       text NOT NULL,
    state      text NOT NULL CHECK (state IN ('done', 'held', 'waived')),
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    reason     text NOT NULL,
    detail     jsonb,
    PRIMARY KEY (owner_id, step),
    CHECK ((machine_id IS NULL) <> (device_id IS NULL))
);

-- Sign-off records of racks, never changed.
CREATE TABLE signoff (
    id      uuid PRIMARY KEY,
    rack_id uuid NOT NULL REFERENCES rack ON DELETE CASCADE,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    record  jsonb NOT NULL
);
CREATE INDEX signoff_rack ON signoff (rack_id, at);

-- +goose Down
DROP TABLE signoff, racking_mark, identifier, part, observation, machine_word, machine_label, cable_end, cable, cable_fit, boot_change, rack_feed;
DROP FUNCTION rackwright_tell CASCADE;
ALTER TABLE revision DROP networks, DROP complete;
ALTER TABLE condition DROP CONSTRAINT condition_pkey;
DELETE FROM condition c USING condition d WHERE c.machine_id = d.machine_id AND c.type = d.type AND c.subject > d.subject;
ALTER TABLE condition DROP subject, DROP waived_by, DROP waived_reason, DROP waived_at, ADD PRIMARY KEY (machine_id, type);
ALTER TABLE network DROP CONSTRAINT network_cidr_excl;
ALTER TABLE network DROP vlan, DROP routing_domain, DROP span_first, DROP span_last,
    ADD CONSTRAINT network_cidr_excl EXCLUDE USING gist (cidr inet_ops WITH &&) DEFERRABLE INITIALLY DEFERRED;
DELETE FROM nic WHERE mac IS NULL;
ALTER TABLE nic DROP CONSTRAINT nic_mac, DROP CONSTRAINT nic_pkey, ADD PRIMARY KEY (mac), ADD UNIQUE (machine_id, name), DROP connector, DROP bond;
DROP TABLE slot_cell;
CREATE TABLE slot_cell (
    rack_id    uuid NOT NULL REFERENCES rack,
    face       text NOT NULL,
    u          integer NOT NULL,
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    PRIMARY KEY (rack_id, face, u)
);
CREATE INDEX slot_cell_machine ON slot_cell (machine_id);
INSERT INTO slot_cell (rack_id, face, u, machine_id)
    SELECT m.rack_id, m.face, c.u, m.id FROM machine m, generate_series(1, 100) AS c(u) WHERE m.rack_id IS NOT NULL AND c.u >= m.u AND c.u < m.u + m.height
    ON CONFLICT DO NOTHING;
ALTER TABLE machine DROP full_depth, DROP side, DROP chassis_id, DROP bay, DROP psus, DROP waivers, DROP asset_tag, DROP batch, DROP project_id,
    DROP hold_by, DROP hold_reason, DROP hold_since, DROP hold_until, DROP replaces, DROP left_rack_id, DROP left_slot, DROP adopted, DROP erased_at, DROP verify_due;
DROP INDEX machine_rack, machine_list, machine_phase;
ALTER TABLE rack DROP spec, DROP weight_kg, DROP weight_limit_kg;
DROP TABLE device, model, project;
