package store

import (
	"context"
	"database/sql"

	"rackwright/boot"
	"rackwright/inventory"
)

// Revision is the number that grows with every change the boot view depends on.
func (db *DB) Revision(ctx context.Context) (n int64, err error) {
	err = db.sql.QueryRowContext(ctx, `SELECT n FROM revision`).Scan(&n)
	return n, db.fault(err)
}

// Changed returns a signal that this process changed the boot view's inputs; other
// processes see the revision grow. The function ends the subscription.
func (db *DB) Changed() (<-chan struct{}, func()) { return db.changed.listen(everything) }

// View reads everything the boot servers answer from, as of one revision.
func (db *DB) View(ctx context.Context) (*boot.View, error) {
	tx, err := db.sql.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelDefault})
	if err != nil {
		return nil, db.fault(err)
	}
	defer tx.Rollback()
	// The revision is read first: what changes after it is seen again at the next one.
	var revision int64
	if err := tx.QueryRowContext(ctx, `SELECT n FROM revision`).Scan(&revision); err != nil {
		return nil, db.fault(err)
	}
	list, err := networks(ctx, tx)
	if err != nil {
		return nil, db.fault(err)
	}
	byName := map[string]*inventory.Network{}
	all := make([]*inventory.Network, len(list))
	for i := range list {
		all[i], byName[list[i].Name] = &list[i], &list[i]
	}
	hosts, err := collect(ctx, tx, func(scan func(...any) error) (*boot.Host, error) {
		var h boot.Host
		var network sql.NullString
		err := scan(asText{&h.Machine}, &h.Name, asMAC{&h.MAC}, &h.UUID, &network, asAddr{&h.Address}, &h.Firmware, asText{&h.Operation})
		h.Network = byName[network.String]
		if h.Operation != "" {
			h.Intent = boot.RunAgent
		}
		return &h, err
	}, `SELECT m.id, m.name, n.mac, m.uuid, w.name, n.address, m.firmware, o.id FROM nic n JOIN machine m ON m.id = n.machine_id
		LEFT JOIN network w ON w.id = n.network_id LEFT JOIN operation o ON o.machine_id = m.id AND o.netboots
		WHERE m.phase <> 'retired'`)
	if err != nil {
		return nil, db.fault(err)
	}
	return boot.NewView(revision, all, hosts), nil
}
