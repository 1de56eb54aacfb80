-- +goose Up

-- Names sort by their bytes whatever the database's locale, as they do in SQLite.

-- One row: grows with every change that the boot servers' view depends on.
CREATE TABLE revision (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    n    bigint  NOT NULL
);
INSERT INTO revision (n) VALUES (1);

CREATE TABLE site (
    id    uuid PRIMARY KEY,
    name  text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE rack (
    id       uuid PRIMARY KEY,
    site_id  uuid NOT NULL REFERENCES site,
    name     text COLLATE "C" NOT NULL UNIQUE,
    units    integer NOT NULL CHECK (units BETWEEN 1 AND 100),
    version  bigint NOT NULL
);

CREATE TABLE network (
    id             uuid PRIMARY KEY,
    name           text COLLATE "C" NOT NULL UNIQUE,
    cidr           cidr NOT NULL,
    gateway        inet,
    dns            jsonb NOT NULL,
    ntp            jsonb NOT NULL,
    domain         text NOT NULL,
    mtu            integer NOT NULL,
    purpose        text NOT NULL CHECK (purpose IN ('provision', 'oob', 'production')),
    dhcp           text NOT NULL CHECK (dhcp IN ('off', 'reservations', 'authoritative')),
    strangers      text NOT NULL CHECK (strangers IN ('ignore', 'discover')),
    pool_first     inet,
    pool_last      inet,
    lease_seconds  integer NOT NULL CHECK (lease_seconds > 0),
    router_adverts boolean NOT NULL,
    version        bigint NOT NULL,
    EXCLUDE USING gist (cidr inet_ops WITH &&) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE machine (
    id         uuid PRIMARY KEY,
    name       text COLLATE "C" NOT NULL,
    phase      text NOT NULL CHECK (phase IN ('planned', 'racked', 'discovered', 'verified', 'ready', 'active', 'maintenance', 'retired')),
    rack_id    uuid REFERENCES rack,
    u          integer,
    height     integer,
    face       text CHECK (face IN ('front', 'rear')),
    firmware   text NOT NULL,
    arch       text NOT NULL,
    vendor     text NOT NULL,
    model      text NOT NULL,
    serial     text NOT NULL,
    serial_key text, -- vendor/serial in lower case; NULL when the serial is junk and identifies nothing
    uuid       text NOT NULL,
    root_disk  jsonb NOT NULL,
    power      text NOT NULL CHECK (power IN ('on', 'off', 'unknown')),
    facts      jsonb,
    image      text NOT NULL,
    version    bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK ((rack_id IS NULL) = (u IS NULL) AND (rack_id IS NULL) = (height IS NULL) AND (rack_id IS NULL) = (face IS NULL))
);
CREATE UNIQUE INDEX machine_name ON machine (name) WHERE phase <> 'retired';
CREATE UNIQUE INDEX machine_serial ON machine (serial_key) WHERE phase <> 'retired';

-- One machine in a cell of a rack.
CREATE TABLE slot_cell (
    rack_id    uuid NOT NULL REFERENCES rack,
    face       text NOT NULL,
    u          integer NOT NULL,
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    PRIMARY KEY (rack_id, face, u)
);
CREATE INDEX slot_cell_machine ON slot_cell (machine_id);

CREATE TABLE nic (
    mac        macaddr PRIMARY KEY,
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    position   integer NOT NULL,
    name       text COLLATE "C" NOT NULL,
    network_id uuid REFERENCES network,
    address    inet,
    boot       boolean NOT NULL,
    UNIQUE (machine_id, name),
    UNIQUE (network_id, address)
);

CREATE TABLE bmc (
    machine_id         uuid PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    address            text NOT NULL UNIQUE,
    username           text NOT NULL,
    password_sealed    text NOT NULL,
    certificate_sha256 text NOT NULL,
    mac                macaddr UNIQUE
);

CREATE TABLE condition (
    machine_id uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    type       text NOT NULL,
    reason     text NOT NULL,
    evidence   text NOT NULL,
    hint       text NOT NULL,
    since      timestamptz NOT NULL,
    PRIMARY KEY (machine_id, type)
);

-- Addresses lent to strangers.
CREATE TABLE lease (
    network_id uuid NOT NULL REFERENCES network ON DELETE CASCADE,
    address    inet NOT NULL,
    mac        macaddr,
    until      timestamptz NOT NULL,
    PRIMARY KEY (network_id, address),
    UNIQUE (network_id, mac)
);

CREATE TABLE image (
    id            uuid PRIMARY KEY,
    name          text COLLATE "C" NOT NULL UNIQUE,
    digest        text NOT NULL,
    source_digest text NOT NULL,
    source_format text NOT NULL,
    arch          text NOT NULL,
    firmware      jsonb NOT NULL,
    bytes         bigint NOT NULL,
    stored_bytes  bigint NOT NULL,
    created_at    timestamptz NOT NULL
);

CREATE TABLE operation (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL,
    machine_id   uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    state        text NOT NULL CHECK (state IN ('queued', 'running', 'parked', 'succeeded', 'failed', 'cancelled')),
    exclusive    boolean NOT NULL,
    netboots     boolean NOT NULL,
    steps        jsonb NOT NULL,
    current      integer NOT NULL,
    reason       text NOT NULL,
    message      text NOT NULL,
    hint         text NOT NULL,
    order_sealed text NOT NULL,
    image        text NOT NULL,
    digest       text NOT NULL,
    disk         text NOT NULL,
    turn         integer NOT NULL,
    actor        text NOT NULL,
    cancel       boolean NOT NULL,
    woken        boolean NOT NULL, -- something came in since the claim: due at once after the save
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    due          timestamptz NOT NULL,
    lease_owner  text NOT NULL,
    lease_until  timestamptz NOT NULL,
    fence        bigint NOT NULL,
    version      bigint NOT NULL
);
-- Only one operation at a time may netboot a machine or touch its disks.
CREATE UNIQUE INDEX operation_exclusive ON operation (machine_id) WHERE exclusive AND state IN ('queued', 'running', 'parked');
CREATE INDEX operation_due ON operation (due) WHERE state IN ('queued', 'running');
CREATE INDEX operation_machine ON operation (machine_id, created_at);

-- What was seen that an operation's steps wait for; the newest of each kind.
CREATE TABLE evidence (
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    kind         text NOT NULL,
    at           timestamptz NOT NULL,
    detail       jsonb NOT NULL,
    PRIMARY KEY (operation_id, kind)
);

-- One-time secrets of a boot: the nonce in a boot script, the session it opens.
CREATE TABLE boot_secret (
    hash         text PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('nonce', 'session')),
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    mac          macaddr,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);
CREATE INDEX boot_secret_operation ON boot_secret (operation_id);

CREATE TABLE event (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    kind         text NOT NULL,
    machine_id   uuid,
    machine_name text NOT NULL,
    mac          macaddr,
    operation_id uuid,
    actor        text NOT NULL,
    summary      text NOT NULL,
    detail       jsonb
);
CREATE INDEX event_machine ON event (machine_id, id);
CREATE INDEX event_operation ON event (operation_id, id);
CREATE INDEX event_mac ON event (mac, id);

CREATE TABLE token (
    id         uuid PRIMARY KEY,
    name       text COLLATE "C" NOT NULL UNIQUE,
    hash       text NOT NULL UNIQUE,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE token, event, boot_secret, evidence, operation, image, lease, condition, bmc, nic, slot_cell, machine, network, rack, site, revision;
