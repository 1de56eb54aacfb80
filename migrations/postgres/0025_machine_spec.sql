-- +goose Up

-- What a plan says of a machine is one document in its row, with its ports, bonds, VLANs, cables
-- and labels, as that of a device is; a device's has its cables as well.
ALTER TABLE machine ADD spec jsonb NOT NULL DEFAULT '{}';

CREATE TEMP VIEW plugged AS
    SELECT near.owner_id, near.port, jsonb_build_object('type', k.type, 'length_m', k.length_m, 'label', k.label,
        'to', COALESCE((SELECT name FROM device WHERE id = far.owner_id), (SELECT name FROM machine WHERE id = far.owner_id)) || ':' || far.port) AS cable
    FROM cable_end near JOIN cable k ON k.id = near.cable_id JOIN cable_end far ON far.cable_id = near.cable_id AND far.side = 'b' WHERE near.side = 'a';

CREATE TEMP VIEW tagged AS
    SELECT v.machine_id, v.port, jsonb_agg(jsonb_build_object('network', w.name, 'address', host(v.address), 'address6', host(v.address6)) ORDER BY v.position) AS vlans
    FROM vlan v JOIN network w ON w.id = v.network_id GROUP BY v.machine_id, v.port;

UPDATE machine m SET spec = jsonb_strip_nulls(jsonb_build_object(
    'nics', (SELECT jsonb_agg(jsonb_build_object('name', n.name, 'mac', n.mac, 'network', w.name, 'connector', n.connector,
            'bond', n.bond, 'address', host(n.address), 'address6', host(n.address6), 'boot', n.boot,
            'cable', (SELECT cable FROM plugged p WHERE p.owner_id = n.machine_id AND p.port = n.name),
            'vlans', (SELECT vlans FROM tagged t WHERE t.machine_id = n.machine_id AND t.port = n.name)) ORDER BY n.position)
        FROM nic n LEFT JOIN network w ON w.id = n.network_id WHERE n.machine_id = m.id),
    'bonds', (SELECT jsonb_agg(b.settings || jsonb_build_object('name', b.name, 'network', w.name, 'address', host(b.address), 'address6', host(b.address6),
            'vlans', (SELECT vlans FROM tagged t WHERE t.machine_id = b.machine_id AND t.port = b.name)) ORDER BY b.position)
        FROM bond b LEFT JOIN network w ON w.id = b.network_id WHERE b.machine_id = m.id),
    'psus', (SELECT jsonb_agg(p.value || jsonb_build_object('cable', (SELECT cable FROM plugged c WHERE c.owner_id = m.id AND c.port = p.value ->> 'name')) ORDER BY p.n)
        FROM jsonb_array_elements(CASE jsonb_typeof(m.psus) WHEN 'array' THEN m.psus ELSE '[]' END) WITH ORDINALITY AS p (value, n)),
    'root_disk', m.root_disk,
    'waivers', m.waivers,
    'labels', (SELECT jsonb_object_agg(key, value) FROM machine_label WHERE machine_id = m.id AND value <> ''),
    'tags', (SELECT jsonb_agg(key ORDER BY key) FROM machine_label WHERE machine_id = m.id AND value = '')));

UPDATE device d SET spec = d.spec || jsonb_strip_nulls(jsonb_build_object(
    'ports', (SELECT jsonb_agg(p.value || jsonb_build_object('cable', (SELECT cable FROM plugged c WHERE c.owner_id = d.id AND c.port = p.value ->> 'name')) ORDER BY p.n)
        FROM jsonb_array_elements(COALESCE(d.spec -> 'ports', '[]')) WITH ORDINALITY AS p (value, n)),
    'psus', (SELECT jsonb_agg(p.value || jsonb_build_object('cable', (SELECT cable FROM plugged c WHERE c.owner_id = d.id AND c.port = p.value ->> 'name')) ORDER BY p.n)
        FROM jsonb_array_elements(COALESCE(d.spec -> 'psus', '[]')) WITH ORDINALITY AS p (value, n))))
    WHERE id IN (SELECT owner_id FROM cable_end WHERE side = 'a');

DROP VIEW tagged;
DROP VIEW plugged;
ALTER TABLE machine DROP root_disk, DROP psus, DROP waivers;

-- +goose Down

ALTER TABLE machine ADD root_disk jsonb NOT NULL DEFAULT '{}', ADD psus jsonb, ADD waivers jsonb;
UPDATE machine SET root_disk = COALESCE(spec -> 'root_disk', '{}'), waivers = spec -> 'waivers',
    psus = (SELECT jsonb_agg(p.value - 'cable' ORDER BY p.n) FROM jsonb_array_elements(COALESCE(machine.spec -> 'psus', '[]')) WITH ORDINALITY AS p (value, n));
UPDATE device SET spec = device.spec || jsonb_strip_nulls(jsonb_build_object(
    'ports', (SELECT jsonb_agg(p.value - 'cable' ORDER BY p.n) FROM jsonb_array_elements(COALESCE(device.spec -> 'ports', '[]')) WITH ORDINALITY AS p (value, n)),
    'psus', (SELECT jsonb_agg(p.value - 'cable' ORDER BY p.n) FROM jsonb_array_elements(COALESCE(device.spec -> 'psus', '[]')) WITH ORDINALITY AS p (value, n))));
ALTER TABLE machine DROP spec;
