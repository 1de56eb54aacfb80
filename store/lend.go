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

// lendTo serves some strangers in one transaction.
func (db *DB) lendTo(ctx context.Context, n *inventory.Network, some []*inventory.Loan) error {
	place, t := db.lenders.start(n.ID), turn{}
	err := db.tx(context.WithValue(ctx, lending{}, true), func(tx *txn) error {
		// Nobody else has the turn now.
		t = turn{db.sql.turns.Load(), db.sql.others.Load()}
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
		if db.sql.writer != nil && ctx.Value(jointKey{db.sql}) == nil { // it is durable, and nobody else writes
			db.recent.keep(n.ID, some, t)
		}
	}
	return err
}
