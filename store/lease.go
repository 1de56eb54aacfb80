package store

import (
	"cmp"
	"context"
	"database/sql"
	"net/netip"
	"slices"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/journal"
)

// strangerLease is how long a stranger is lent an address for.
const strangerLease = 10 * time.Minute

// declinedFor is how long an address a client declined (RFC 2131 section 4.3.3) is not
// lent again.
const declinedFor = time.Hour

// Leases lists the leases that run by network and address; one without a MAC keeps an
// address that was declined from being lent.
func (db *DB) Leases(ctx context.Context) ([]inventory.Lease, error) {
	out, err := collect(ctx, db.sql, readLease, leaseRows, db.now())
	slices.SortFunc(out, func(a, b inventory.Lease) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), a.Address.Compare(b.Address))
	})
	return out, db.fault(err)
}

const leaseRows = `SELECT l.address, l.mac, n.name, l.until FROM lease l JOIN network n ON n.id = l.network_id WHERE l.until > $1`

func readLease(scan func(...any) error) (l inventory.Lease, err error) {
	err = scan(asAddr{&l.Address}, asMAC{&l.MAC}, &l.Network, asTime{&l.Until})
	return l, err
}

// Find returns the leases that run, the one that ends last first: of an address of a network,
// or of a MAC in all networks when n is nil. An address that rests is nobody's.
func (db *DB) Find(ctx context.Context, mac inventory.MAC, n *inventory.Network, a netip.Addr) ([]inventory.Lease, error) {
	clause, args := ` AND l.mac = $2`, []any{db.now(), mac.String()}
	if n != nil {
		clause, args = ` AND l.mac IS NOT NULL AND l.network_id = $2 AND l.address = $3`, []any{db.now(), n.ID, addrOrNull(a)}
	}
	out, err := collect(ctx, db.sql, readLease, leaseRows+clause, args...)
	slices.SortFunc(out, func(a, b inventory.Lease) int { return b.Until.Compare(a.Until) })
	return out, db.fault(err)
}

// Lessee is the MAC that an address of a network was lent to last, zero for none; the lease
// may have ended.
func (db *DB) Lessee(ctx context.Context, n *inventory.Network, a netip.Addr) (mac inventory.MAC, err error) {
	err = db.sql.QueryRowContext(ctx, `SELECT mac FROM lease WHERE network_id = $1 AND address = $2`, n.ID, addrOrNull(a)).Scan(asMAC{&mac})
	if err == sql.ErrNoRows {
		return mac, nil
	}
	return mac, db.fault(err)
}

// Release ends a stranger's lease of an address; it is no error when there is none.
func (db *DB) Release(ctx context.Context, mac inventory.MAC, n *inventory.Network, a netip.Addr) error {
	_, err := exec(ctx, db.sql, `DELETE FROM lease WHERE network_id = $1 AND mac = $2 AND address = $3`, n.ID, mac.String(), addrOrNull(a))
	db.lenders.givenBack(n.ID)
	return db.fault(err)
}

// EndLease ends the lease of an address, or its rest after somebody declined it: it may be lent
// at once. NotFound: none runs.
func (db *DB) EndLease(ctx context.Context, network, address, actor string) error {
	var id string
	err := db.tx(ctx, func(tx *txn) error {
		var mac inventory.MAC
		err := tx.QueryRowContext(ctx, `DELETE FROM lease WHERE network_id = (SELECT id FROM network WHERE name = $1) AND address = $2 AND until > $3 RETURNING network_id, mac`,
			network, address, db.now()).Scan(&id, asMAC{&mac})
		switch {
		case err == sql.ErrNoRows:
			return noLease(network, address)
		case err != nil:
			return err
		}
		e := journal.Event{Kind: journal.ServerEvent, Actor: actor, MAC: mac, Summary: "lease of " + address + " in network " + network + " ended", Detail: map[string]any{"network": network, "address": address}}
		return db.append(ctx, tx, []journal.Event{e})
	})
	if err == nil {
		db.lenders.givenBack(id)
	}
	return err
}

func noLease(network, address string) error {
	return fault.NotFoundf("no lease of %s runs in network %q", address, network).WithHint("'rackwright network leases' shows them")
}

// Decline keeps an address from being lent for a while: a client found it in use.
func (db *DB) Decline(ctx context.Context, mac inventory.MAC, n *inventory.Network, a netip.Addr) error {
	_, err := exec(ctx, db.sql, `UPDATE lease SET mac = NULL, until = $1 WHERE network_id = $2 AND mac = $3 AND address = $4`,
		db.now().Add(declinedFor), n.ID, mac.String(), addrOrNull(a))
	return db.fault(err)
}
