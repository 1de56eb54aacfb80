-- +goose Up

-- DHCP beside another server (proxy), strangers that wait to be planned (hold), and options
-- beyond those that a network's other columns make.
ALTER TABLE network ADD COLUMN options text NOT NULL DEFAULT '[]';
ALTER TABLE network ADD COLUMN dhcp_mode text NOT NULL DEFAULT 'off' CHECK (dhcp_mode IN ('off', 'reservations', 'authoritative', 'proxy'));
ALTER TABLE network ADD COLUMN stranger_policy text NOT NULL DEFAULT 'ignore' CHECK (stranger_policy IN ('ignore', 'discover', 'hold'));
UPDATE network SET dhcp_mode = dhcp, stranger_policy = strangers;
ALTER TABLE network DROP COLUMN dhcp;
ALTER TABLE network DROP COLUMN strangers;
ALTER TABLE network RENAME COLUMN dhcp_mode TO dhcp;
ALTER TABLE network RENAME COLUMN stranger_policy TO strangers;

-- +goose Down

ALTER TABLE network ADD COLUMN dhcp_mode text NOT NULL DEFAULT 'off' CHECK (dhcp_mode IN ('off', 'reservations', 'authoritative'));
ALTER TABLE network ADD COLUMN stranger_policy text NOT NULL DEFAULT 'ignore' CHECK (stranger_policy IN ('ignore', 'discover'));
UPDATE network SET dhcp_mode = CASE dhcp WHEN 'proxy' THEN 'off' ELSE dhcp END, stranger_policy = CASE strangers WHEN 'hold' THEN 'ignore' ELSE strangers END;
ALTER TABLE network DROP COLUMN dhcp;
ALTER TABLE network DROP COLUMN strangers;
ALTER TABLE network RENAME COLUMN dhcp_mode TO dhcp;
ALTER TABLE network RENAME COLUMN stranger_policy TO strangers;
ALTER TABLE network DROP COLUMN options;
