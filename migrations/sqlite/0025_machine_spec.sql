-- +goose Up

-- What a plan says of a machine is one document in its row, with its ports, bonds, VLANs, cables
-- and labels, as that of a device is; a device's has its cables as well.
ALTER TABLE machine ADD COLUMN spec text NOT NULL DEFAULT '{}';

CREATE TEMP VIEW plugged AS
    SELECT near.owner_id AS owner_id, near.port AS port, json_object('type', k.type, 'length_m', k.length_m, 'label', k.label,
        'to', COALESCE((SELECT name FROM device WHERE id = far.owner_id), (SELECT name FROM machine WHERE id = far.owner_id)) || ':' || far.port) AS cable
    FROM cable_end near JOIN cable k ON k.id = near.cable_id JOIN cable_end far ON far.cable_id = near.cable_id AND far.side = 'b' WHERE near.side = 'a';

CREATE TEMP VIEW tagged AS
    SELECT v.machine_id AS machine_id, v.port AS port, v.position AS position,
        json_object('network', w.name, 'address', v.address, 'address6', v.address6) AS vlan
    FROM vlan v JOIN network w ON w.id = v.network_id;

UPDATE machine SET spec = json_object(
    'nics', (SELECT json_group_array(json(port)) FROM (SELECT json_object('name', n.name, 'mac', n.mac, 'network', w.name, 'connector', n.connector,
            'bond', n.bond, 'address', n.address, 'address6', n.address6, 'boot', json(CASE n.boot WHEN 1 THEN 'true' ELSE 'false' END),
            'cable', json((SELECT cable FROM plugged p WHERE p.owner_id = n.machine_id AND p.port = n.name)),
            'vlans', (SELECT json_group_array(json(vlan)) FROM (SELECT vlan FROM tagged t WHERE t.machine_id = n.machine_id AND t.port = n.name ORDER BY position))) AS port
        FROM nic n LEFT JOIN network w ON w.id = n.network_id WHERE n.machine_id = machine.id ORDER BY n.position)),
    'bonds', (SELECT json_group_array(json(bond)) FROM (SELECT json_patch(b.settings, json_object('name', b.name, 'network', w.name,
            'address', b.address, 'address6', b.address6,
            'vlans', (SELECT json_group_array(json(vlan)) FROM (SELECT vlan FROM tagged t WHERE t.machine_id = b.machine_id AND t.port = b.name ORDER BY position)))) AS bond
        FROM bond b LEFT JOIN network w ON w.id = b.network_id WHERE b.machine_id = machine.id ORDER BY b.position)),
    'psus', (SELECT json_group_array(json(psu)) FROM (SELECT json_patch(p.value, json_object(
            'cable', json((SELECT cable FROM plugged c WHERE c.owner_id = machine.id AND c.port = p.value ->> 'name')))) AS psu
        FROM json_each(COALESCE(machine.psus, '[]')) p ORDER BY p.key)),
    'root_disk', json(root_disk),
    'waivers', json(waivers),
    'labels', (SELECT json_group_object(key, value) FROM machine_label WHERE machine_id = machine.id AND value <> ''),
    'tags', (SELECT json_group_array(key) FROM (SELECT key FROM machine_label WHERE machine_id = machine.id AND value = '' ORDER BY key)));

UPDATE device SET spec = json_patch(spec, json_object(
    'ports', (SELECT json_group_array(json(port)) FROM (SELECT json_patch(p.value, json_object(
            'cable', json((SELECT cable FROM plugged c WHERE c.owner_id = device.id AND c.port = p.value ->> 'name')))) AS port
        FROM json_each(COALESCE(device.spec -> 'ports', '[]')) p ORDER BY p.key)),
    'psus', (SELECT json_group_array(json(psu)) FROM (SELECT json_patch(p.value, json_object(
            'cable', json((SELECT cable FROM plugged c WHERE c.owner_id = device.id AND c.port = p.value ->> 'name')))) AS psu
        FROM json_each(COALESCE(device.spec -> 'psus', '[]')) p ORDER BY p.key))))
    WHERE id IN (SELECT owner_id FROM cable_end WHERE side = 'a');

DROP VIEW tagged;
DROP VIEW plugged;
ALTER TABLE machine DROP COLUMN root_disk;
ALTER TABLE machine DROP COLUMN psus;
ALTER TABLE machine DROP COLUMN waivers;

-- +goose Down

ALTER TABLE machine ADD COLUMN root_disk text NOT NULL DEFAULT '{}';
ALTER TABLE machine ADD COLUMN psus text;
ALTER TABLE machine ADD COLUMN waivers text;
UPDATE machine SET root_disk = COALESCE(spec -> 'root_disk', '{}'), waivers = spec -> 'waivers',
    psus = (SELECT json_group_array(json(psu)) FROM (SELECT json_remove(p.value, '$.cable') AS psu FROM json_each(COALESCE(machine.spec -> 'psus', '[]')) p ORDER BY p.key));
UPDATE device SET spec = json_patch(spec, json_object(
    'ports', (SELECT json_group_array(json(port)) FROM (SELECT json_remove(p.value, '$.cable') AS port FROM json_each(COALESCE(device.spec -> 'ports', '[]')) p ORDER BY p.key)),
    'psus', (SELECT json_group_array(json(psu)) FROM (SELECT json_remove(p.value, '$.cable') AS psu FROM json_each(COALESCE(device.spec -> 'psus', '[]')) p ORDER BY p.key))));
ALTER TABLE machine DROP COLUMN spec;
