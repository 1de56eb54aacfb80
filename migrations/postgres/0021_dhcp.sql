-- +goose Up

-- DHCP beside another server (proxy), strangers that wait to be planned (hold), and options
-- beyond those that a network's other columns make.
ALTER TABLE network ADD options jsonb NOT NULL DEFAULT '[]';
ALTER TABLE network DROP CONSTRAINT network_dhcp_check, ADD CONSTRAINT network_dhcp_check CHECK (dhcp IN ('off', 'reservations', 'authoritative', 'proxy'));
ALTER TABLE network DROP CONSTRAINT network_strangers_check, ADD CONSTRAINT network_strangers_check CHECK (strangers IN ('ignore', 'discover', 'hold'));

-- +goose Down

UPDATE network SET dhcp = 'off' WHERE dhcp = 'proxy';
UPDATE network SET strangers = 'ignore' WHERE strangers = 'hold';
ALTER TABLE network DROP CONSTRAINT network_dhcp_check, ADD CONSTRAINT network_dhcp_check CHECK (dhcp IN ('off', 'reservations', 'authoritative'));
ALTER TABLE network DROP CONSTRAINT network_strangers_check, ADD CONSTRAINT network_strangers_check CHECK (strangers IN ('ignore', 'discover'));
ALTER TABLE network DROP options;
