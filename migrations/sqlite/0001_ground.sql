-- +goose Up

-- One row: grows with every change that the boot servers' view depends on.
CREATE TABLE revision (
    one  integer PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    n    integer  NOT NULL
) STRICT;
INSERT INTO revision (n) VALUES (1);

CREATE TABLE site (
    id    text PRIMARY KEY,
    name  text NOT NULL UNIQUE
) STRICT;

CREATE TABLE rack (
    id       text PRIMARY KEY,
    site_id  text NOT NULL REFERENCES site,
    name     text NOT NULL UNIQUE,
    units    integer NOT NULL CHECK (units BETWEEN 1 AND 100),
    version  integer NOT NULL
) STRICT;

CREATE TABLE network (
    id             text PRIMARY KEY,
    name           text NOT NULL UNIQUE,
    cidr           text NOT NULL,
    gateway        text,
    dns            text NOT NULL,
    ntp            text NOT NULL,
    domain         text NOT NULL,
    mtu            integer NOT NULL,
    purpose        text NOT NULL CHECK (purpose IN ('provision', 'oob', 'production')),
    dhcp           text NOT NULL CHECK (dhcp IN ('off', 'reservations', 'authoritative')),
    strangers      text NOT NULL CHECK (strangers IN ('ignore', 'discover')),
    pool_first     text,
    pool_last      text,
    lease_seconds  integer NOT NULL CHECK (lease_seconds > 0),
    router_adverts integer NOT NULL,
    version        integer NOT NULL
) STRICT;

CREATE TABLE machine (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    phase      text NOT NULL CHECK (phase IN ('planned', 'racked', 'discovered', 'verified', 'ready', 'active', 'maintenance', 'retired')),
    rack_id    text REFERENCES rack,
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
    root_disk  text NOT NULL,
    power      text NOT NULL CHECK (power IN ('on', 'off', 'unknown')),
    facts      text,
    image      text NOT NULL,
    version    integer NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    CHECK ((rack_id IS NULL) = (u IS NULL) AND (rack_id IS NULL) = (height IS NULL) AND (rack_id IS NULL) = (face IS NULL))
) STRICT;
CREATE UNIQUE INDEX machine_name ON machine (name) WHERE phase <> 'retired';
CREATE UNIQUE INDEX machine_serial ON machine (serial_key) WHERE phase <> 'retired';

-- One machine in a cell of a rack.
CREATE TABLE slot_cell (
    rack_id    text NOT NULL REFERENCES rack,
    face       text NOT NULL,
    u          integer NOT NULL,
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    PRIMARY KEY (rack_id, face, u)
) STRICT;
CREATE INDEX slot_cell_machine ON slot_cell (machine_id);

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

CREATE TABLE bmc (
    machine_id         text PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    address            text NOT NULL UNIQUE,
    username           text NOT NULL,
    password_sealed    text NOT NULL,
    certificate_sha256 text NOT NULL,
    mac                text UNIQUE
) STRICT;

CREATE TABLE condition (
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    type       text NOT NULL,
    reason     text NOT NULL,
    evidence   text NOT NULL,
    hint       text NOT NULL,
    since      integer NOT NULL,
    PRIMARY KEY (machine_id, type)
) STRICT;

-- Addresses lent to strangers.
CREATE TABLE lease (
    network_id text NOT NULL REFERENCES network ON DELETE CASCADE,
    address    text NOT NULL,
    mac        text,
    until      integer NOT NULL,
    PRIMARY KEY (network_id, address),
    UNIQUE (network_id, mac)
) STRICT;

CREATE TABLE image (
    id            text PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    digest        text NOT NULL,
    source_digest text NOT NULL,
    source_format text NOT NULL,
    arch          text NOT NULL,
    firmware      text NOT NULL,
    bytes         integer NOT NULL,
    stored_bytes  integer NOT NULL,
    created_at    integer NOT NULL
) STRICT;

CREATE TABLE operation (
    id           text PRIMARY KEY,
    kind         text NOT NULL,
    machine_id   text NOT NULL REFERENCES machine ON DELETE CASCADE,
    state        text NOT NULL CHECK (state IN ('queued', 'running', 'parked', 'succeeded', 'failed', 'cancelled')),
    exclusive    integer NOT NULL,
    netboots     integer NOT NULL,
    steps        text NOT NULL,
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
    cancel       integer NOT NULL,
    woken        integer NOT NULL, -- something came in since the claim: due at once after the save
    created_at   integer NOT NULL,
    updated_at   integer NOT NULL,
    finished_at  integer,
    due          integer NOT NULL,
    lease_owner  text NOT NULL,
    lease_until  integer NOT NULL,
    fence        integer NOT NULL,
    version      integer NOT NULL
) STRICT;
-- Only one operation at a time may netboot a machine or touch its disks.
CREATE UNIQUE INDEX operation_exclusive ON operation (machine_id) WHERE exclusive AND state IN ('queued', 'running', 'parked');
CREATE INDEX operation_due ON operation (due) WHERE state IN ('queued', 'running');
CREATE INDEX operation_machine ON operation (machine_id, created_at);

-- What was seen that an operation's steps wait for; the newest of each kind.
CREATE TABLE evidence (
    operation_id text NOT NULL REFERENCES operation ON DELETE CASCADE,
    kind         text NOT NULL,
    at           integer NOT NULL,
    detail       text NOT NULL,
    PRIMARY KEY (operation_id, kind)
) STRICT;

-- One-time secrets of a boot: the nonce in a boot script, the session it opens.
CREATE TABLE boot_secret (
    hash         text PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('nonce', 'session')),
    operation_id text NOT NULL REFERENCES operation ON DELETE CASCADE,
    mac          text,
    created_at   integer NOT NULL,
    expires_at   integer NOT NULL,
    used_at      integer
) STRICT;
CREATE INDEX boot_secret_operation ON boot_secret (operation_id);

CREATE TABLE event (
    id           integer PRIMARY KEY AUTOINCREMENT,
    at           integer NOT NULL,
    kind         text NOT NULL,
    machine_id   text,
    machine_name text NOT NULL,
    mac          text,
    operation_id text,
    actor        text NOT NULL,
    summary      text NOT NULL,
    detail       text
) STRICT;
CREATE INDEX event_machine ON event (machine_id, id);
CREATE INDEX event_operation ON event (operation_id, id);
CREATE INDEX event_mac ON event (mac, id);

CREATE TABLE token (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    hash       text NOT NULL UNIQUE,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at integer NOT NULL
) STRICT;

-- +goose Down
DROP TABLE token;
DROP TABLE event;
DROP TABLE boot_secret;
DROP TABLE evidence;
DROP TABLE operation;
DROP TABLE image;
DROP TABLE lease;
DROP TABLE condition;
DROP TABLE bmc;
DROP TABLE nic;
DROP TABLE slot_cell;
DROP TABLE machine;
DROP TABLE network;
DROP TABLE rack;
DROP TABLE site;
DROP TABLE revision;
