package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
)

// documentsAgree holds what the documents of machines and devices say to the tables that say
// it as well, when a test is done with a database.
func (b *bench) documentsAgree() {
	b.t.Helper()
	if b.Ping(context.Background()) != nil {
		return // the test closed it, or has another open
	}
	raw := b.kind.Raw(b.t, b.dsn) // the test's own is closed by now
	said, stand := b.said(raw), b.stand(raw)
	slices.Sort(said)
	slices.Sort(stand)
	if !slices.Equal(said, stand) {
		b.t.Errorf("documents say\n  %s\nand tables\n  %s", strings.Join(said, "\n  "), strings.Join(stand, "\n  "))
	}
}

// said is a line for each port, bond, VLAN, cable and label in the documents.
func (b *bench) said(raw *sql.DB) (out []string) {
	add := func(what ...any) { out = append(out, fmt.Sprintln(what...)) }
	cable := func(owner, port string, c *inventory.Cable) {
		if c != nil {
			add("cable", owner, port, c.To, c.Type, c.LengthM, c.Label)
		}
	}
	psus := func(owner string, list []inventory.PSU) {
		for _, p := range list {
			cable(owner, p.Name, p.Cable)
		}
	}
	vlans := func(owner, port string, list []inventory.Tagged) {
		for i, v := range list {
			add("vlan", owner, port, i, v.Network, v.Address, v.Address6)
		}
	}
	for _, id := range b.texts(raw, `SELECT CAST(id AS text) FROM machine`) {
		m, err := b.Machine(context.Background(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		for i, n := range m.NICs {
			add("nic", id, i, n.Name, n.MAC, n.Network, n.Address, n.Address6, n.Boot, n.Connector, n.Bond)
			cable(id, n.Name, n.Cable)
			vlans(id, n.Name, n.VLANs)
		}
		for i, bond := range m.Bonds {
			add("bond", id, i, bond.Name, bond.Network, bond.Address, bond.Address6)
			vlans(id, bond.Name, bond.VLANs)
		}
		for key, value := range m.Labels {
			add("label", id, key, value)
		}
		for _, tag := range m.Tags {
			add("label", id, tag, "")
		}
		psus(id, m.PSUs)
	}
	devices, err := b.Devices(context.Background(), "")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, d := range devices {
		for _, p := range d.Ports {
			cable(d.ID, p.Name, p.Cable)
		}
		psus(d.ID, d.PSUs)
	}
	return out
}

// stand is the same lines, from the tables.
func (b *bench) stand(raw *sql.DB) (out []string) {
	b.rows(raw, `SELECT CAST(n.machine_id AS text), n.position, n.name, CAST(n.mac AS text), w.name, CAST(n.address AS text), CAST(n.address6 AS text), n.boot, n.connector, n.bond
		FROM nic n LEFT JOIN network w ON w.id = n.network_id`, func(v []any) {
		out = append(out, fmt.Sprintln("nic", v[0], v[1], v[2], zero(v[3], inventory.MAC{}), text(v[4]), host(v[5]), host(v[6]), v[7] == true || v[7] == int64(1), v[8], v[9]))
	})
	b.rows(raw, `SELECT CAST(o.machine_id AS text), o.position, o.name, w.name, CAST(o.address AS text), CAST(o.address6 AS text)
		FROM bond o LEFT JOIN network w ON w.id = o.network_id`, func(v []any) {
		out = append(out, fmt.Sprintln("bond", v[0], v[1], v[2], text(v[3]), host(v[4]), host(v[5])))
	})
	b.rows(raw, `SELECT CAST(v.machine_id AS text), v.port, v.position, w.name, CAST(v.address AS text), CAST(v.address6 AS text)
		FROM vlan v JOIN network w ON w.id = v.network_id`, func(v []any) {
		out = append(out, fmt.Sprintln("vlan", v[0], v[1], v[2], v[3], host(v[4]), host(v[5])))
	})
	b.rows(raw, `SELECT CAST(machine_id AS text), key, value FROM machine_label`, func(v []any) {
		out = append(out, fmt.Sprintln(append([]any{"label"}, v...)...))
	})
	b.rows(raw, `SELECT CAST(a.owner_id AS text), a.port, COALESCE((SELECT name FROM device WHERE id = z.owner_id), (SELECT name FROM machine WHERE id = z.owner_id)), z.port,
			k.type, k.length_m, k.label
		FROM cable_end a JOIN cable k ON k.id = a.cable_id JOIN cable_end z ON z.cable_id = k.id AND z.side = 'b' WHERE a.side = 'a'`, func(v []any) {
		out = append(out, fmt.Sprintln("cable", v[0], v[1], fmt.Sprint(v[2], ":", v[3]), v[4], v[5], v[6]))
	})
	return out
}

// rows calls f with each row of a query past the store.
func (b *bench) rows(raw *sql.DB, query string, f func(row []any)) {
	b.t.Helper()
	rows, err := raw.QueryContext(context.Background(), query)
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		row, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err = rows.Scan(to...); err == nil {
			f(row)
		}
	}
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
}

func (b *bench) texts(raw *sql.DB, query string) (out []string) {
	b.rows(raw, query, func(row []any) { out = append(out, text(row[0])) })
	return out
}

// text is "" for NULL.
func text(v any) string { return fmt.Sprint(zero(v, "")) }

// host is an address without the mask that PostgreSQL writes behind it.
func host(v any) string {
	if v == nil {
		return "invalid IP" // as a netip.Addr without one prints
	}
	at, _, _ := strings.Cut(fmt.Sprint(v), "/")
	return at
}

func zero(v, null any) any {
	if v == nil {
		return null
	}
	return v
}
