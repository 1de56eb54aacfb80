package store

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"rackwright/inventory"
)

// Bounds of reading machines together.
const (
	readAtOnce  = 16               // by one statement
	readTimeout = 30 * time.Second // for one that several wait for
)

// machineDesk has machines that are asked for at the same time read by one statement: what
// a statement takes beside its rows, most of all the wake-ups of two processes, is more than
// what it takes for a row. While a hand is free, who asks reads at once, alone.
type machineDesk struct {
	read  func(ctx context.Context, keys []string) ([]inventory.Machine, error)
	key   func(*inventory.Machine) string
	hands int // statements at a time

	mu      sync.Mutex
	busy    int // hands
	waiting []*machineRead
}

// openDesks has machines read together from now on.
func (db *DB) openDesks() {
	db.byName = db.desk("m.phase <> 'retired' AND m.name", func(m *inventory.Machine) string { return m.Name })
	db.byID = db.desk("m.id", func(m *inventory.Machine) string { return m.ID })
}

// desk reads machines by what a column has; it is preceded by what else must hold.
func (db *DB) desk(column string, key func(*inventory.Machine) string) *machineDesk {
	read := func(ctx context.Context, keys []string) ([]inventory.Machine, error) {
		args, marks := make([]any, len(keys)), make([]string, len(keys))
		for i, k := range keys {
			args[i], marks[i] = k, db.dialect.mark(i+1)
		}
		return db.machines(ctx, db.sql, column+" IN ("+strings.Join(marks, ", ")+")", args...)
	}
	return &machineDesk{read: read, key: key, hands: connections() / 2}
}

// machineRead is a machine that somebody waits for.
type machineRead struct {
	key     string
	machine *inventory.Machine
	err     error
	done    chan struct{}
}

// ask reads a machine. Nobody gets what was read before they asked, nor a machine that
// another got, who may have changed it.
func (d *machineDesk) ask(ctx context.Context, key string) (*inventory.Machine, error) {
	r := &machineRead{key: key, done: make(chan struct{})}
	if d.begins(r) {
		defer d.handOn()
		d.fetch(ctx, []*machineRead{r})
		return r.machine, r.err
	}
	select {
	case <-r.done:
		return r.machine, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begins reports whether a hand was free for a read; else it waits.
func (d *machineDesk) begins(r *machineRead) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy < d.hands {
		d.busy++
		return true
	}
	d.waiting = append(d.waiting, r)
	return false
}

// handOn has a hand go on with those who wait; who gives it has what they asked for.
func (d *machineDesk) handOn() {
	if some := d.next(); len(some) > 0 {
		go d.serve(some)
	}
}

// serve reads until nobody waits. Whoever leaves meanwhile leaves the others their statement.
func (d *machineDesk) serve(some []*machineRead) {
	for ; len(some) > 0; some = d.next() {
		ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
		d.fetch(ctx, some)
		cancel()
		for _, r := range some {
			close(r.done)
		}
	}
}

// next takes those who are read together, of each machine one; none: the hand is free.
func (d *machineDesk) next() []*machineRead {
	d.mu.Lock()
	defer d.mu.Unlock()
	var some, later []*machineRead
	for _, r := range d.waiting {
		if len(some) == readAtOnce || slices.ContainsFunc(some, func(s *machineRead) bool { return s.key == r.key }) {
			later = append(later, r)
		} else {
			some = append(some, r)
		}
	}
	if d.waiting = later; len(some) == 0 {
		d.busy--
	}
	return some
}

// fetch reads machines by one statement.
func (d *machineDesk) fetch(ctx context.Context, some []*machineRead) {
	keys := make([]string, len(some), readAtOnce)
	for i, r := range some {
		keys[i] = r.key
	}
	for len(keys)&(len(keys)-1) != 0 { // few sizes are few statements to plan
		keys = append(keys, keys[0])
	}
	found, err := d.read(ctx, keys)
	for _, r := range some {
		if r.err = err; err != nil {
			continue
		}
		if i := slices.IndexFunc(found, func(m inventory.Machine) bool { return d.key(&m) == r.key }); i >= 0 {
			r.machine = &found[i]
		} else {
			r.err = noMachine(r.key)
		}
	}
}
