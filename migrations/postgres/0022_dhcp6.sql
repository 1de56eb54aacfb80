-- +goose Up

ALTER TABLE network ADD dhcp6 text NOT NULL DEFAULT 'off' CHECK (dhcp6 IN ('off', 'stateless', 'reservations'));
ALTER TABLE network ADD slaac boolean NOT NULL DEFAULT false;

-- What this installation is known by on the wire, the same for every server on this database: its
-- DHCPv6 DUID is made of it (RFC 6355).
CREATE TABLE installation (
    id uuid NOT NULL PRIMARY KEY
);
INSERT INTO installation (id) VALUES (gen_random_uuid());

-- The boot view has more in it than what a server that ran before knows.
UPDATE revision SET n = n + 1, networks = n + 1, complete = n + 1;

-- +goose Down

DROP TABLE installation;
ALTER TABLE network DROP slaac;
ALTER TABLE network DROP dhcp6;
