package store

import (
	"context"
	"database/sql"
	"net/netip"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// poolSearch finds addresses for some strangers of one network, in a transaction that has it
// for itself.
type poolSearch struct {
	db   *DB
	tx   *sql.Tx
	n    *inventory.Network
	now  time.Time
	at   int // place in the pool to look at next
	some []*lending

	mine   map[inventory.MAC]netip.Addr // what each has, or had last
	holder map[netip.Addr]inventory.MAC // of addresses that are not free; zero: nobody may have it
	whole  bool                         // holder has all there are
}

// window is how many places of the pool are looked at for so many strangers.
func window(strangers int) int { return 16 + 2*strangers }

// mostPlaces bounds how much of a pool is used.
const mostPlaces = 1 << 16

// assign finds an address for each, or says that there is none.
func (p *poolSearch) assign(ctx context.Context) error {
	p.mine, p.holder, p.whole = map[inventory.MAC]netip.Addr{}, map[netip.Addr]inventory.MAC{}, false
	macs, wanted := make([]string, len(p.some)), []string{}
	for i, w := range p.some {
		macs[i] = w.mac.String()
		if w.wish.IsValid() {
			wanted = append(wanted, w.wish.String())
		}
	}
	if err := p.db.forEach(macs, "mac", func(clause string, args []any) error {
		return p.leases(ctx, clause, args, func(a netip.Addr, m inventory.MAC, _ time.Time) { p.mine[m] = a })
	}, p.n.ID); err != nil {
		return err
	}
	for _, a := range p.mine {
		wanted = append(wanted, a.String())
	}
	end := min(p.at+window(len(p.some)), p.n.Pool.Size(), mostPlaces)
	for i := p.at; i < end; i++ {
		wanted = append(wanted, p.n.Pool.Nth(i).String())
	}
	if err := p.occupy(ctx, wanted); err != nil {
		return err
	}
	got := map[inventory.MAC]netip.Addr{}
	for _, w := range p.some {
		a, ok := got[w.mac]
		if !ok {
			var err error
			if a, end, err = p.free(ctx, w, end); err != nil {
				return err
			}
		}
		w.lease, w.err = inventory.Lease{MAC: w.mac, Network: p.n.Name, Address: a, Until: p.now.Add(strangerLease)}, nil
		if !a.IsValid() {
			w.lease, w.err = inventory.Lease{}, fault.Conflictf("the pool of network %s is used up", p.n.Name).WithHint("widen the pool, or plan the machines in it")
			continue
		}
		got[w.mac], p.holder[a] = a, w.mac
	}
	return nil
}

// free is an address for one stranger; invalid: none is left. Up to end of the pool it is known
// what is free.
func (p *poolSearch) free(ctx context.Context, w *lending, end int) (netip.Addr, int, error) {
	for _, a := range []netip.Addr{p.mine[w.mac], w.wish} {
		if m, held := p.holder[a]; a.IsValid() && p.n.Pool.Contains(a) && (!held || m == w.mac && m != inventory.MAC{}) {
			return a, end, nil
		}
	}
	for {
		for ; p.at < end; p.at++ {
			if a := p.n.Pool.Nth(p.at); !p.held(a) {
				p.at++
				return a, end, nil
			}
		}
		if p.whole {
			return netip.Addr{}, end, nil
		}
		if err := p.occupyAll(ctx); err != nil {
			return netip.Addr{}, end, err
		}
		p.at, end = 0, min(p.n.Pool.Size(), mostPlaces)
	}
}

func (p *poolSearch) held(a netip.Addr) bool {
	_, held := p.holder[a]
	return held
}

// occupy learns who has some addresses.
func (p *poolSearch) occupy(ctx context.Context, wanted []string) error {
	err := p.db.forEach(wanted, "address", func(clause string, args []any) error {
		if err := p.leases(ctx, clause, args, p.lent); err != nil {
			return err
		}
		return p.reserved(ctx, ` AND `+clause, args)
	}, p.n.ID)
	p.holder[p.n.Gateway] = inventory.MAC{}
	return err
}

// occupyAll learns who has any.
func (p *poolSearch) occupyAll(ctx context.Context) error {
	p.whole = true
	if err := p.leases(ctx, `until > $2`, []any{p.n.ID, p.now}, p.lent); err != nil {
		return err
	}
	return p.reserved(ctx, ``, []any{p.n.ID})
}

func (p *poolSearch) lent(a netip.Addr, m inventory.MAC, until time.Time) {
	if _, known := p.holder[a]; until.After(p.now) && !known {
		p.holder[a] = m
	}
}

func (p *poolSearch) leases(ctx context.Context, clause string, args []any, tell func(netip.Addr, inventory.MAC, time.Time)) error {
	_, err := collect(ctx, p.tx, func(scan func(...any) error) (none struct{}, err error) {
		var a netip.Addr
		var m inventory.MAC
		var until time.Time
		if err = scan(asAddr{&a}, asMAC{&m}, asTime{&until}); err == nil {
			tell(a, m, until)
		}
		return none, err
	}, `SELECT address, mac, until FROM lease WHERE network_id = $1 AND `+clause, args...)
	return err
}

func (p *poolSearch) reserved(ctx context.Context, and string, args []any) error {
	_, err := collect(ctx, p.tx, func(scan func(...any) error) (a netip.Addr, err error) {
		err = scan(asAddr{&a})
		p.holder[a] = inventory.MAC{}
		return a, err
	}, `SELECT address FROM machine_address WHERE network_id = $1`+and, args...)
	return err
}

// write keeps what was assigned. A row that another MAC had is overwritten; the one of another
// address that the MAC had goes.
func (p *poolSearch) write(ctx context.Context) error {
	var moved []string
	rows := p.db.batch(p.tx, `INSERT INTO lease (network_id, address, mac, until)`, `ON CONFLICT (network_id, address) DO UPDATE SET mac = excluded.mac, until = excluded.until`, 4)
	defer rows.close()
	written := map[inventory.MAC]bool{}
	for _, w := range p.some {
		if had, ok := p.mine[w.mac]; w.err == nil && ok && had != w.lease.Address {
			moved = append(moved, w.mac.String())
		}
	}
	if err := p.db.forEach(moved, "mac", func(clause string, args []any) error {
		_, err := exec(ctx, p.tx, `DELETE FROM lease WHERE network_id = $1 AND `+clause, args...)
		return err
	}, p.n.ID); err != nil {
		return err
	}
	for _, w := range p.some {
		if w.err != nil || written[w.mac] {
			continue
		}
		written[w.mac] = true
		if err := rows.add(ctx, p.n.ID, w.lease.Address.String(), w.mac.String(), w.lease.Until); err != nil {
			return err
		}
	}
	return rows.done(ctx)
}
