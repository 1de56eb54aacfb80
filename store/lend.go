package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// Bounds of lending.
const (
	lentAtOnce = 128             // strangers in one transaction
	usedUpFor  = 5 * time.Second // for how long a pool with nothing left is not looked through again, which takes a second where half a million addresses are lent
)

// lenders remember where in the pool of each network to look next. The zero value is ready.
type lenders struct {
	mu sync.Mutex
	at map[string]poolPlace // by network
}

// poolPlace is where in a pool to look next. It goes round: what was given back rests until
// the others were lent.
type poolPlace struct {
	from   int
	usedUp time.Time // when nothing was left
}

// givenBack says that an address may be free again.
func (l *lenders) givenBack(network string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := l.at[network]; ok {
		l.at[network] = poolPlace{from: p.from}
	}
}

func (l *lenders) start(network string) poolPlace {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[network]
}

func (l *lenders) searched(network string, to poolPlace) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = map[string]poolPlace{}
	}
	l.at[network] = to
}

// Lend lends each of some strangers an address of the network's pool: the one it has, the one
// it asked for if free, else the next that is free and not reserved. The rows are durable
// when it returns; the primary key keeps two instances from lending one address. A lease
// that was just given is given again as it is to who wishes for it. A pool with nothing left
// is Conflict.
func (db *DB) Lend(ctx context.Context, n *inventory.Network, loans []*inventory.Loan) {
	left, err := db.lately(ctx, n, loans)
	for some := range slices.Chunk(left, lentAtOnce) {
		if err == nil {
			err = db.lendTo(ctx, n, some)
		}
		if err != nil {
			for _, l := range some {
				l.Lease, l.Err = inventory.Lease{}, db.fault(err)
			}
		}
	}
}

// lately gives those their lease again, as it is, who wish for an address and were given or
// extended one a moment ago: an offer that is now requested is durable already. It returns the
// others.
func (db *DB) lately(ctx context.Context, n *inventory.Network, loans []*inventory.Loan) ([]*inventory.Loan, error) {
	var macs []string // none: the database is not asked
	for _, l := range loans {
		if l.Wish.IsValid() {
			macs = append(macs, l.MAC.String())
		}
	}
	had := make(map[inventory.MAC]inventory.Lease, len(macs))
	ctx = db.sql.steady(ctx)
	err := db.forEach(macs, "mac", func(clause string, args []any) error {
		_, err := collect(ctx, db.sql, func(scan func(...any) error) (none struct{}, err error) {
			l := inventory.Lease{Network: n.Name}
			if err = scan(asAddr{&l.Address}, asMAC{&l.MAC}, asTime{&l.Until}); err == nil && n.Pool.Contains(l.Address) && l.Address != n.Gateway {
				had[l.MAC] = l
			}
			return none, err
		}, `SELECT address, mac, until FROM lease l WHERE network_id = $1 AND until > $2 AND `+clause+`
			AND NOT EXISTS (SELECT 1 FROM machine_address a WHERE a.network_id = l.network_id AND a.address = l.address)`, args...)
		return err
	}, n.ID, db.now().Add(strangerLease*9/10))
	if err != nil {
		return loans, err
	}
	var left []*inventory.Loan
	for _, l := range loans {
		if lease, ok := had[l.MAC]; ok {
			l.Lease, l.Err = lease, nil
		} else {
			left = append(left, l)
		}
	}
	return left, nil
}

// lendTo serves some strangers in one transaction.
func (db *DB) lendTo(ctx context.Context, n *inventory.Network, some []*inventory.Loan) error {
	place := db.lenders.start(n.ID)
	err := db.tx(ctx, func(tx *txn) error {
		known, err := db.lock(ctx, tx, `SELECT 1 FROM network WHERE id = $1`, n.ID) // strangers of a network come one by one
		if err != nil {
			return err
		}
		if !known {
			return fault.NotFoundf("there is no network %s any more", n.Name)
		}
		p := poolSearch{db: db, tx: tx, n: n, now: db.now(), poolPlace: place, some: some}
		if err := p.assign(ctx); err != nil {
			return err
		}
		place = p.poolPlace
		return p.write(ctx)
	})
	if err == nil {
		db.lenders.searched(n.ID, place)
	}
	return err
}
