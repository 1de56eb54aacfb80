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

// Lend lends a stranger an address of the network's pool: the one it has, the one it
// asked for if free, else the first that is free and not reserved. The row is durable
// before the answer; the primary key keeps two instances from lending one address.
// A pool with nothing left is Conflict.
func (db *DB) Lend(ctx context.Context, mac inventory.MAC, n *inventory.Network, wish netip.Addr) (inventory.Lease, error) {
	l := inventory.Lease{MAC: mac, Network: n.Name}
	err := db.tx(ctx, func(tx *sql.Tx) error {
		known, err := db.lock(ctx, tx, `SELECT 1 FROM network WHERE id = $1`, n.ID) // strangers of a network come one by one
		if err != nil {
			return err
		}
		if !known {
			return fault.NotFoundf("there is no network %s any more", n.Name)
		}
		now := db.now()
		l.Until = now.Add(strangerLease)
		free, err := freeAddress(ctx, tx, mac, n, wish, now)
		if err != nil {
			return err
		}
		l.Address = free
		if _, err := exec(ctx, tx, `DELETE FROM lease WHERE network_id = $1 AND (mac = $2 OR address = $3)`, n.ID, mac.String(), free.String()); err != nil {
			return err
		}
		_, err = exec(ctx, tx, `INSERT INTO lease (network_id, address, mac, until) VALUES ($1, $2, $3, $4)`, n.ID, free.String(), mac.String(), l.Until)
		return err
	})
	return l, err
}

func freeAddress(ctx context.Context, tx *sql.Tx, mac inventory.MAC, n *inventory.Network, wish netip.Addr, now time.Time) (netip.Addr, error) {
	held := map[netip.Addr]bool{n.Gateway: true}
	var mine netip.Addr
	_, err := collect(ctx, tx, func(scan func(...any) error) (a netip.Addr, err error) {
		var m inventory.MAC
		var until time.Time
		err = scan(asAddr{&a}, asMAC{&m}, asTime{&until})
		switch {
		case m == mac:
			mine = a
		case until.After(now):
			held[a] = true
		}
		return a, err
	}, `SELECT address, mac, until FROM lease WHERE network_id = $1`, n.ID)
	if err != nil {
		return netip.Addr{}, err
	}
	_, err = collect(ctx, tx, func(scan func(...any) error) (a netip.Addr, err error) {
		err = scan(asAddr{&a})
		held[a] = true
		return a, err
	}, `SELECT address FROM machine_address WHERE network_id = $1`, n.ID)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range []netip.Addr{mine, wish} {
		if a.IsValid() && n.Pool.Contains(a) && !held[a] {
			return a, nil
		}
	}
	for i := range min(n.Pool.Size(), 1<<16) {
		if a := n.Pool.Nth(i); !held[a] {
			return a, nil
		}
	}
	return netip.Addr{}, fault.Conflictf("the pool of network %s is used up", n.Name).WithHint("widen the pool, or plan the machines in it")
}

// Release ends a stranger's lease of an address; it is no error when there is none.
func (db *DB) Release(ctx context.Context, mac inventory.MAC, n *inventory.Network, a netip.Addr) error {
	_, err := exec(ctx, db.sql, `DELETE FROM lease WHERE network_id = $1 AND mac = $2 AND address = $3`, n.ID, mac.String(), addrOrNull(a))
	return db.fault(err)
}

// Decline keeps an address from being lent for a while: a client found it in use.
func (db *DB) Decline(ctx context.Context, mac inventory.MAC, n *inventory.Network, a netip.Addr) error {
	_, err := exec(ctx, db.sql, `UPDATE lease SET mac = NULL, until = $1 WHERE network_id = $2 AND mac = $3 AND address = $4`,
		db.now().Add(declinedFor), n.ID, mac.String(), addrOrNull(a))
	return db.fault(err)
}
