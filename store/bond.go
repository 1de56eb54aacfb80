package store

import (
	"context"

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

// writeBonds writes what machines say of their bonds, the networks with tags, and all
// their addresses.
func (db *DB) writeBonds(ctx context.Context, tx *txn, ids identities, machines []*inventory.Machine) error {
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
