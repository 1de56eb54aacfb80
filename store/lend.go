package store

import (
	"context"
	"database/sql"
	"net/netip"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// Bounds of lending.
const (
	lentAtOnce  = 128             // strangers in one transaction
	lendTimeout = 3 * time.Second // for one
	fromTheTop  = time.Minute     // how often a pool is looked through from its beginning: leases end, other servers give some back
)

// lenders have the strangers of each network wait for one transaction, and one write to disk,
// together. The zero value is ready.
type lenders struct {
	mu   sync.Mutex
	desk map[string]*lendingDesk // by network
}

// lendingDesk is where the strangers of a network wait.
type lendingDesk struct {
	network *inventory.Network // as the last of them saw it
	waiting []*lending
	open    bool // somebody serves

	from int // place in the pool below which nothing was free
	top  time.Time
}

// lending is a stranger that waits for an address.
type lending struct {
	mac    inventory.MAC
	wish   netip.Addr
	lease  inventory.Lease
	err    error
	served chan struct{}
}

// wait puts a stranger in the queue and reports whether nobody serves there yet.
func (l *lenders) wait(n *inventory.Network, w *lending) (*lendingDesk, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.desk == nil {
		l.desk = map[string]*lendingDesk{}
	}
	d := l.desk[n.ID]
	if d == nil {
		d = &lendingDesk{}
		l.desk[n.ID] = d
	}
	idle := !d.open
	d.network, d.open, d.waiting = n, true, append(d.waiting, w)
	return d, idle
}

// next takes those who are served together; none: the desk is closed.
func (l *lenders) next(d *lendingDesk) (*inventory.Network, []*lending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	some := d.waiting[:min(len(d.waiting), lentAtOnce)]
	d.waiting = d.waiting[len(some):]
	d.open = len(some) > 0
	return d.network, some
}

// givenBack says that an address may be free again.
func (l *lenders) givenBack(network string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.desk[network]; d != nil {
		d.top = time.Time{}
	}
}

// start is where in the pool to look first.
func (l *lenders) start(d *lendingDesk, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(d.top) > fromTheTop {
		d.top, d.from = now, 0
	}
	return d.from
}

func (l *lenders) searched(d *lendingDesk, to int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.from = to
}

// Lend lends a stranger an address of the network's pool: the one it has, the one it
// asked for if free, else the first that is free and not reserved. The row is durable
// before the answer; the primary key keeps two instances from lending one address. A lease
// that was just given is given again as it is. A pool with nothing left is Conflict.
func (db *DB) Lend(ctx context.Context, mac inventory.MAC, n *inventory.Network, wish netip.Addr) (inventory.Lease, error) {
	l, err := db.lately(ctx, mac, n)
	if err != nil || l.Address.IsValid() {
		return l, err
	}
	w := &lending{mac: mac, wish: wish, served: make(chan struct{})}
	if d, idle := db.lenders.wait(n, w); idle {
		go db.lendAll(d)
	}
	select {
	case <-w.served:
		return w.lease, w.err
	case <-ctx.Done():
		return inventory.Lease{}, db.fault(ctx.Err())
	}
}

// lately is the MAC's lease when it was given or extended a moment ago: an offer that is now
// requested is durable already. An invalid address: there is none.
func (db *DB) lately(ctx context.Context, mac inventory.MAC, n *inventory.Network) (inventory.Lease, error) {
	l := inventory.Lease{MAC: mac, Network: n.Name}
	err := db.sql.QueryRowContext(ctx, `SELECT address, until FROM lease l WHERE network_id = $1 AND mac = $2 AND until > $3
		AND NOT EXISTS (SELECT 1 FROM machine_address a WHERE a.network_id = l.network_id AND a.address = l.address)`,
		storable([]any{n.ID, mac.String(), db.now().Add(strangerLease * 9 / 10)})...).Scan(asAddr{&l.Address}, asTime{&l.Until})
	if err == sql.ErrNoRows || err == nil && (!n.Pool.Contains(l.Address) || l.Address == n.Gateway) {
		return inventory.Lease{}, nil
	}
	return l, db.fault(err)
}

// lendAll serves a desk until nobody waits there.
func (db *DB) lendAll(d *lendingDesk) {
	for {
		n, some := db.lenders.next(d)
		if len(some) == 0 {
			return
		}
		db.lendTo(d, n, some)
		for _, w := range some {
			close(w.served)
		}
	}
}

// lendTo serves some strangers in one transaction.
func (db *DB) lendTo(d *lendingDesk, n *inventory.Network, some []*lending) {
	ctx, cancel := context.WithTimeout(context.Background(), lendTimeout)
	defer cancel()
	from := db.lenders.start(d, db.now())
	searched := from
	err := db.tx(ctx, func(tx *sql.Tx) error {
		known, err := db.lock(ctx, tx, `SELECT 1 FROM network WHERE id = $1`, n.ID) // strangers of a network come one by one
		if err != nil {
			return err
		}
		if !known {
			return fault.NotFoundf("there is no network %s any more", n.Name)
		}
		p := poolSearch{db: db, tx: tx, n: n, now: db.now(), at: from, some: some}
		if err := p.assign(ctx); err != nil {
			return err
		}
		searched = p.at
		return p.write(ctx)
	})
	if err == nil {
		db.lenders.searched(d, searched)
		return
	}
	for _, w := range some {
		w.lease, w.err = inventory.Lease{}, err
	}
}
