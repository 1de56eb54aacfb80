package store

import (
	"context"
	"sync"
	"time"

	"rackwright/inventory"
)

// recent are the leases that were given a moment ago: most are requested within milliseconds, and
// need not be looked for in the database. They are good on SQLite, where nobody but this process
// writes, and until somebody writes who does not lend. The zero value is ready.
type recent struct {
	mu     sync.Mutex
	leases map[recentKey]recentLease
	before map[recentKey]recentLease // those before them
}

type recentKey struct {
	network string // its id
	mac     inventory.MAC
}

type recentLease struct {
	inventory.Lease
	turn
}

// turn says when something was written: how many turns to write there had been, and how many of
// them were of others than who lends.
type turn struct{ all, others uint64 }

// mostRecent bounds each of the two maps.
const mostRecent = 1024

// lending marks the context of a transaction that does nothing but lend.
type lending struct{}

// keep remembers what was lent in a turn, unless a later one was quicker to.
func (r *recent) keep(network string, loans []*inventory.Loan, t turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.leases) >= mostRecent || r.leases == nil {
		r.leases, r.before = make(map[recentKey]recentLease, mostRecent), r.leases
	}
	for _, l := range loans {
		key := recentKey{network, l.MAC}
		if l.Err == nil && r.get(key).all < t.all {
			r.leases[key] = recentLease{l.Lease, t}
		}
	}
}

func (r *recent) get(key recentKey) recentLease {
	if l, ok := r.leases[key]; ok {
		return l
	}
	return r.before[key]
}

// of is a client's lease, if others have written that often now too and it has that long to go.
func (r *recent) of(n *inventory.Network, mac inventory.MAC, others uint64, until time.Time) (inventory.Lease, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.get(recentKey{n.ID, mac})
	return l.Lease, l.all > 0 && l.others == others && l.Until.After(until) && n.Pool.Contains(l.Address) && l.Address != n.Gateway
}

// lately gives those their lease again, as it is, who wish for an address and were given or
// extended one a moment ago: an offer that is now requested is durable already. It returns the
// others.
func (db *DB) lately(ctx context.Context, n *inventory.Network, loans []*inventory.Loan) ([]*inventory.Loan, error) {
	var left []*inventory.Loan
	var macs []string // none: the database is not asked
	until, others := db.now().Add(strangerLease*9/10), db.sql.others.Load()
	for _, l := range loans {
		lease, ok := inventory.Lease{}, false
		if l.Wish.IsValid() {
			lease, ok = db.recent.of(n, l.MAC, others, until)
		}
		if ok {
			l.Lease, l.Err = lease, nil
			continue
		}
		if left = append(left, l); l.Wish.IsValid() {
			macs = append(macs, l.MAC.String())
		}
	}
	if len(macs) == 0 {
		return left, nil
	}
	had, err := db.leasesOf(ctx, n, macs, until)
	if err != nil {
		return left, err
	}
	still := left[:0]
	for _, l := range left {
		if lease, ok := had[l.MAC]; ok {
			l.Lease, l.Err = lease, nil
		} else {
			still = append(still, l)
		}
	}
	return still, nil
}

// leasesOf are the leases of some clients that have that long to go.
func (db *DB) leasesOf(ctx context.Context, n *inventory.Network, macs []string, until time.Time) (map[inventory.MAC]inventory.Lease, error) {
	had := make(map[inventory.MAC]inventory.Lease, len(macs))
	ctx = db.sql.steady(ctx)
	return had, db.forEach(macs, "mac", func(clause string, args []any) error {
		_, err := collect(ctx, db.sql, func(scan func(...any) error) (none struct{}, err error) {
			l := inventory.Lease{Network: n.Name}
			if err = scan(asAddr{&l.Address}, asMAC{&l.MAC}, asTime{&l.Until}); err == nil && n.Pool.Contains(l.Address) && l.Address != n.Gateway {
				had[l.MAC] = l
			}
			return none, err
		}, `SELECT address, mac, until FROM lease l WHERE network_id = $1 AND until > $2 AND `+clause+`
			AND NOT EXISTS (SELECT 1 FROM machine_address a WHERE a.network_id = l.network_id AND a.address = l.address)`, args...)
		return err
	}, n.ID, until)
}
