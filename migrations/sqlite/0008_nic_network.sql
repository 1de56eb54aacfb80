-- +goose Up

-- A network may have an IPv6 subnet beside its IPv4 one.
ALTER TABLE network ADD COLUMN cidr6 text;
ALTER TABLE network ADD COLUMN gateway6 text;
ALTER TABLE nic ADD COLUMN address6 text;

-- Ports that work as one, as far as the plan says more than which they are.
CREATE TABLE bond (
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    name       text NOT NULL,
    position   integer NOT NULL,
    settings   text NOT NULL,
    network_id text REFERENCES network,
    address    text,
    address6   text,
    PRIMARY KEY (machine_id, name)
) STRICT, WITHOUT ROWID;

-- Networks that a port or bond carries with their VLAN tags.
CREATE TABLE vlan (
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    port       text NOT NULL,
    position   integer NOT NULL,
    network_id text NOT NULL REFERENCES network,
    address    text,
    address6   text,
    PRIMARY KEY (machine_id, port, network_id)
) STRICT, WITHOUT ROWID;

-- Every reserved address of every machine, whichever of its ports has it: one machine has it.
CREATE TABLE machine_address (
    network_id text NOT NULL REFERENCES network,
    address    text NOT NULL,
    machine_id text NOT NULL REFERENCES machine ON DELETE CASCADE,
    PRIMARY KEY (network_id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_address_machine ON machine_address (machine_id);
INSERT INTO machine_address (network_id, address, machine_id)
    SELECT network_id, address, machine_id FROM nic WHERE network_id IS NOT NULL AND address IS NOT NULL;

-- The SSH host key that the serial console of a BMC showed first, at that address.
CREATE TABLE bmc_console (
    machine_id text PRIMARY KEY REFERENCES machine ON DELETE CASCADE,
    address    text NOT NULL,
    host_key   text NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down

DROP TABLE bmc_console;
DROP TABLE machine_address;
DROP TABLE vlan;
DROP TABLE bond;
ALTER TABLE nic DROP COLUMN address6;
ALTER TABLE network DROP COLUMN gateway6;
ALTER TABLE network DROP COLUMN cidr6;
