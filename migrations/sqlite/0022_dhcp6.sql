-- +goose Up

ALTER TABLE network ADD COLUMN dhcp6 text NOT NULL DEFAULT 'off' CHECK (dhcp6 IN ('off', 'stateless', 'reservations'));
ALTER TABLE network ADD COLUMN slaac integer NOT NULL DEFAULT 0 CHECK (slaac IN (0, 1));

-- What this installation is known by on the wire, the same for every server on this database: its
-- DHCPv6 DUID is made of it (RFC 6355).
CREATE TABLE installation (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 36)
) STRICT;
INSERT INTO installation (id) SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 14, 3) || '-a' || substr(h, 18, 3) || '-' || substr(h, 21, 12)
    FROM (SELECT lower(hex(randomblob(16))) AS h);

-- The boot view has more in it than what a server that ran before knows.
UPDATE revision SET n = n + 1, networks = n + 1, complete = n + 1;

-- +goose Down

DROP TABLE installation;
ALTER TABLE network DROP COLUMN slaac;
ALTER TABLE network DROP COLUMN dhcp6;
