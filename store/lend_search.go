package store

import (
	"context"
	"net/netip"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// poolSearch finds addresses for some strangers of one network, in a transaction that has it
// for itself.
type poolSearch struct {
	poolPlace
	db   *DB
	tx   *txn
	n    *inventory.Network
	now  time.Time
	some []*inventory.Loan

	mine   map[inventory.MAC]netip.Addr // what each has, or had last
	holder map[netip.Addr]inventory.MAC // of addresses that are not free; zero: nobody may have it
	end    int                          // place in the pool up to which holder has all
	whole  bool                         // holder has all there are
}

// mostPlaces bounds how much of a pool is used.
const mostPlaces = 1 << 19

// spare is how many places of the pool are looked at beyond one for each stranger.
const spare = 16

// assign finds an address for each, or says that there is none.
func (p *poolSearch) assign(ctx context.Context) error {
	p.mine, p.holder, p.whole = map[inventory.MAC]netip.Addr{}, make(map[netip.Addr]inventory.MAC, len(p.some)+spare), false
	macs, wanted := make([]string, len(p.some)), []string{}
	for i, l := range p.some {
		macs[i] = l.MAC.String()
		if l.Wish.IsValid() {
			wanted = append(wanted, l.Wish.String())
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
	if err := p.occupy(ctx, wanted, len(p.some)+spare); err != nil {
		return err
	}
	got := make(map[inventory.MAC]netip.Addr, len(p.some))
	for _, l := range p.some {
		a, ok := got[l.MAC]
		if !ok {
			var err error
			if a, err = p.free(ctx, l); err != nil {
				return err
			}
		}
		l.Lease, l.Err = inventory.Lease{MAC: l.MAC, Network: p.n.Name, Address: a, Until: p.now.Add(strangerLease)}, nil
		if !a.IsValid() {
			l.Lease, l.Err = inventory.Lease{}, fault.Conflictf("the pool of network %s is used up", p.n.Name).WithHint("widen the pool, or plan the machines in it")
			continue
		}
		got[l.MAC], p.holder[a] = a, l.MAC
	}
	return nil
}

// free is an address for one stranger; invalid: none is left.
func (p *poolSearch) free(ctx context.Context, l *inventory.Loan) (netip.Addr, error) {
	for _, a := range []netip.Addr{p.mine[l.MAC], l.Wish} {
		if m, held := p.holder[a]; a.IsValid() && p.n.Pool.Contains(a) && (!held || m == l.MAC && m != inventory.MAC{}) {
			return a, nil
		}
	}
	for p.now.Sub(p.usedUp) >= usedUpFor {
		for ; p.from < p.end; p.from++ {
			if a := p.n.Pool.Nth(p.from); !p.held(a) {
				p.from++
				return a, nil
			}
		}
		var err error
		switch {
		case p.whole:
			p.usedUp = p.now
		case p.from < p.size() && len(p.holder) < manyHeld:
			err = p.occupy(ctx, nil, 8*(len(p.holder)+spare))
		default:
			err = p.occupyAll(ctx)
		}
		if err != nil {
			return netip.Addr{}, err
		}
	}
	return netip.Addr{}, nil
}

// manyHeld is from how many addresses on that are not free the whole pool is read: one by one
// would take longer.
const manyHeld = 4096

// size is how many places of the pool are used.
func (p *poolSearch) size() int { return min(p.n.Pool.Size(), mostPlaces) }

func (p *poolSearch) held(a netip.Addr) bool {
	_, held := p.holder[a]
	return held
}

// occupy learns who has some addresses, and those of so many places from where the search is.
func (p *poolSearch) occupy(ctx context.Context, wanted []string, places int) error {
	p.end = min(p.from+places, p.size())
	for i := p.from; i < p.end; i++ {
		wanted = append(wanted, p.n.Pool.Nth(i).String())
	}
	err := p.db.forEach(wanted, "address", func(clause string, args []any) error {
		if err := p.leases(ctx, clause, args, p.lent); err != nil {
			return err
		}
		return p.reserved(ctx, ` AND `+clause, args)
	}, p.n.ID)
	p.holder[p.n.Gateway] = inventory.MAC{}
	return err
}

// occupyAll learns who has any, and begins anew.
func (p *poolSearch) occupyAll(ctx context.Context) error {
	p.whole, p.from, p.end = true, 0, p.size()
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
	rows, written := make([][2]string, 0, len(p.some)), make(map[inventory.MAC]bool, len(p.some))
	for _, l := range p.some {
		if l.Err != nil || written[l.MAC] {
			continue
		}
		written[l.MAC] = true
		rows = append(rows, [2]string{l.Lease.Address.String(), l.MAC.String()})
		if had, ok := p.mine[l.MAC]; ok && had != l.Lease.Address {
			moved = append(moved, l.MAC.String())
		}
	}
	if err := p.db.forEach(moved, "mac", func(clause string, args []any) error {
		_, err := exec(ctx, p.tx, `DELETE FROM lease WHERE network_id = $1 AND `+clause, args...)
		return err
	}, p.n.ID); err != nil || len(rows) == 0 {
		return err
	}
	_, err := exec(ctx, p.tx, `INSERT INTO lease (network_id, address, mac, until) SELECT `+p.db.dialect.leases+
		` ON CONFLICT (network_id, address) DO UPDATE SET mac = excluded.mac, until = excluded.until`, p.n.ID, p.now.Add(strangerLease), toJSON(rows))
	return err
}
