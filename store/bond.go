package store

import (
	"context"
	"database/sql"

	"rackwright/inventory"
)

// bondSettings is what the database keeps of a bond as one text: nothing asks for a part
// of it.
type bondSettings struct {
	Mode     inventory.BondMode `json:"mode"`
	LACPRate string             `json:"lacp_rate,omitempty"`
	Hash     string             `json:"hash,omitempty"`
	MIIMon   int                `json:"miimon_ms,omitempty"`
	MTU      int                `json:"mtu,omitempty"`
	Primary  string             `json:"primary,omitempty"`
}

var nestedBonds = nested[inventory.Machine]{
	place: "b.position", columns: "b.name, b.settings, w.name, b.address, b.address6",
	from: "bond b LEFT JOIN network w ON w.id = b.network_id WHERE b.machine_id = m.id",
	read: func(m *inventory.Machine, scan func(...any) error) error {
		var b inventory.Bond
		var s bondSettings
		err := scan(&b.Name, &asJSON{&s}, &b.Network, &b.Address, &b.Address6)
		b.Mode, b.LACPRate, b.Hash, b.MIIMon, b.MTU, b.Primary = s.Mode, s.LACPRate, s.Hash, s.MIIMon, s.MTU, s.Primary
		m.Bonds = append(m.Bonds, b)
		return err
	},
}

var nestedVLANs = nested[inventory.Machine]{
	place: "v.position", columns: "v.port, w.name, v.address, v.address6",
	from: "vlan v JOIN network w ON w.id = v.network_id WHERE v.machine_id = m.id",
	read: func(m *inventory.Machine, scan func(...any) error) error {
		var t inventory.Tagged
		port := ""
		err := scan(&port, &t.Network, &t.Address, &t.Address6)
		hangTagged(m, port, t)
		return err
	},
}

// hangTagged gives a network to the port of that name: a bond's before a NIC's, which
// carries none with a tag when it is in one.
func hangTagged(m *inventory.Machine, port string, t inventory.Tagged) {
	for i := range m.Bonds {
		if m.Bonds[i].Name == port {
			m.Bonds[i].VLANs = append(m.Bonds[i].VLANs, t)
			return
		}
	}
	for i := range m.NICs {
		if m.NICs[i].Name == port {
			m.NICs[i].VLANs = append(m.NICs[i].VLANs, t)
			return
		}
	}
}

// writeBonds writes what machines say of their bonds, the networks with tags, and all
// their addresses.
func (db *DB) writeBonds(ctx context.Context, tx *sql.Tx, ids identities, machines []*inventory.Machine) error {
	bonds := db.batch(tx, `INSERT INTO bond (machine_id, name, position, settings, network_id, address, address6)`, "", 7)
	defer bonds.close()
	vlans := db.batch(tx, `INSERT INTO vlan (machine_id, port, position, network_id, address, address6)`, "", 6)
	defer vlans.close()
	held := db.batch(tx, `INSERT INTO machine_address (network_id, address, machine_id)`, "", 3)
	defer held.close()
	tagged := func(m *inventory.Machine, port string, list []inventory.Tagged) error {
		for i, t := range list {
			if err := vlans.add(ctx, m.ID, port, i, ids.networks[t.Network], addrOrNull(t.Address), addrOrNull(t.Address6)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, m := range machines {
		for i := range m.Bonds {
			b := &m.Bonds[i]
			s := bondSettings{b.Mode, b.LACPRate, b.Hash, b.MIIMon, b.MTU, b.Primary}
			if err := bonds.add(ctx, m.ID, b.Name, i, toJSON(s), orNull(ids.networks[b.Network]), addrOrNull(b.Address), addrOrNull(b.Address6)); err != nil {
				return err
			}
			if err := tagged(m, b.Name, b.VLANs); err != nil {
				return err
			}
		}
		for i := range m.NICs {
			if err := tagged(m, m.NICs[i].Name, m.NICs[i].VLANs); err != nil {
				return err
			}
		}
		for _, h := range m.Addresses() {
			if network := ids.networks[h.Network]; network != "" {
				if err := held.add(ctx, network, addrOrNull(h.Address), m.ID); err != nil {
					return err
				}
			}
		}
	}
	for _, done := range []func(context.Context) error{bonds.done, vlans.done, held.done} {
		if err := done(ctx); err != nil {
			return err
		}
	}
	return nil
}
