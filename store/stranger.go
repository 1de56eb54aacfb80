package store

import (
	"context"
	"fmt"
	"slices"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// MachineByMAC returns the machine a NIC belongs to, NotFound for a stranger.
func (db *DB) MachineByMAC(ctx context.Context, mac inventory.MAC) (*inventory.Machine, error) {
	found, err := db.machines(ctx, db.sql, "m.id IN (SELECT machine_id FROM nic WHERE mac = $1)", mac.String())
	if err != nil {
		return nil, db.fault(err)
	}
	if len(found) == 0 {
		return nil, fault.NotFoundf("no machine has MAC %s", mac)
	}
	return &found[0], nil
}

// AddStranger records a machine that is in no plan, seen by one of its MACs on a
// network; a second call for the same MAC returns the same machine.
func (db *DB) AddStranger(ctx context.Context, mac inventory.MAC, uuid, network string) (*inventory.Machine, error) {
	if m, err := db.MachineByMAC(ctx, mac); !fault.Is(err, fault.NotFound) {
		return m, err
	}
	var out *inventory.Machine
	err := db.tx(ctx, func(tx *txn) error {
		found, err := db.machines(ctx, tx, "m.id IN (SELECT machine_id FROM nic WHERE mac = $1)", mac.String())
		if err != nil {
			return err
		}
		if len(found) > 0 { // another packet of it came first
			out = &found[0]
			return nil
		}
		out = &inventory.Machine{ID: newID(), Name: "unknown-" + mac.Plain(), Phase: inventory.Discovered, Power: inventory.PowerUnknown, UUID: uuid,
			NICs: []inventory.NIC{{Name: "nic1", MAC: mac, Network: network, Boot: true}}}
		return db.insertStranger(ctx, tx, out, network)
	})
	if err != nil {
		return nil, err
	}
	db.changed.wake(everything)
	db.events.wake(everything)
	return out, nil
}

// mostAdopted bounds how many earlier records of a machine are remembered, the newest.
const mostAdopted = 32

// adopted lists the ids of the records that turned out to be a machine.
func adopted(ctx context.Context, q queryer, machineID string) ([]string, error) {
	rows, err := collect(ctx, q, func(scan func(...any) error) (ids []string, err error) {
		err = scan(asJSON{&ids})
		return ids, err
	}, `SELECT adopted FROM machine WHERE id = $1`, machineID)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return slices.DeleteFunc(rows[0], func(id string) bool { return !isID(id) }), nil
}

// remember notes that a record was this machine: its events are found with the machine's.
func remember(ctx context.Context, tx *txn, machineID, stranger string) error {
	ids, err := adopted(ctx, tx, machineID)
	if err != nil {
		return err
	}
	ids = append(ids, stranger)
	_, err = exec(ctx, tx, `UPDATE machine SET adopted = $1 WHERE id = $2`, toJSON(ids[max(0, len(ids)-mostAdopted):]), machineID)
	return err
}

func (db *DB) insertStranger(ctx context.Context, tx *txn, m *inventory.Machine, network string) error {
	if err := db.insertMachine(ctx, tx, m); err != nil {
		return err
	}
	if err := bump(ctx, tx, m.ID); err != nil {
		return err
	}
	mac := m.NICs[0].MAC
	return db.append(ctx, tx, []journal.Event{{Kind: journal.MachineSeen, Machine: m.ID, Name: m.Name, MAC: mac, Actor: "server",
		Summary: fmt.Sprintf("unknown machine %s seen on network %s", mac, network)}})
}
