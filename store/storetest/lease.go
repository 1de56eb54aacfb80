package storetest

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/store"
)

// lend lends one stranger an address.
func (b *bench) lend(mac inventory.MAC, n *inventory.Network, wish netip.Addr) (inventory.Lease, error) {
	l := inventory.Loan{MAC: mac, Wish: wish}
	b.DB.Lend(b.ctx(), n, []*inventory.Loan{&l})
	return l.Lease, l.Err
}

func leases() chapter {
	whatever := netip.Addr{}
	return chapter{
		"no address is lent twice, however many strangers ask at once, of two instances": func(t *testing.T, b *bench) {
			second := b.DB
			if !b.Single() {
				second = b.open(b.dsn)
			}
			b.apply(planOf(1))
			n := b.provision()
			var mu sync.Mutex
			owner := map[netip.Addr]inventory.MAC{}
			refusedOnes := 0
			race(n.Pool.Size()+4, func(i int) {
				loan := inventory.Loan{MAC: mac(500 + i)}
				[]*store.DB{b.DB, second}[i%2].Lend(b.ctx(), n, []*inventory.Loan{&loan})
				l, err := loan.Lease, loan.Err
				mu.Lock()
				defer mu.Unlock()
				if fault.Is(err, fault.Conflict) {
					refusedOnes++
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if other, twice := owner[l.Address]; twice || !n.Pool.Contains(l.Address) {
					t.Errorf("%s was lent to %s and %s", l.Address, other, l.MAC)
				}
				owner[l.Address] = l.MAC
			})
			same(t, "lent and refused", []int{len(owner), refusedOnes}, []int{10, 4})
			same(t, "listed", len(must(b.Leases(b.ctx()))(t)), 10)
		},
		"strangers who ask together are lent addresses together, and each one": func(t *testing.T, b *bench) {
			p := planOf(1)
			p.Networks[0].Pool = &plan.Pool{First: "10.0.0.20", Last: "10.0.0.219"}
			p.Racks[0].Machines[0].NICs[0].Address = "10.0.0.22"
			b.apply(p)
			n := b.provision()
			loans := make([]*inventory.Loan, 240)
			for i := range loans {
				loans[i] = &inventory.Loan{MAC: mac(500 + i%230)} // ten ask twice
			}
			loans[7].Wish = addr("10.0.0.200")
			b.DB.Lend(b.ctx(), n, loans)
			owner, refusedOnes := map[netip.Addr]inventory.MAC{}, 0
			for _, l := range loans {
				if other, twice := owner[l.Lease.Address]; l.Err == nil && twice && other != l.MAC {
					t.Errorf("%s was lent to %s and %s", l.Lease.Address, other, l.MAC)
				}
				if l.Err != nil {
					refused(t, l.Err, fault.Conflict)
					refusedOnes++
					continue
				}
				owner[l.Lease.Address] = l.MAC
			}
			same(t, "lent, and refused for want of more", []int{len(owner), refusedOnes}, []int{199, 31})
			same(t, "as wished", loans[7].Lease.Address, addr("10.0.0.200"))
			same(t, "who asks twice", loans[230].Lease, loans[0].Lease)
			same(t, "listed", len(must(b.Leases(b.ctx()))(t)), 199)
			b.DB.Lend(b.ctx(), n, nil)
		},
		"a stranger keeps its address while it asks for it": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			n := b.provision()
			first := must(b.lend(mac(500), n, addr("10.0.0.105")))(t)
			same(t, "the one it wished", first.Address, addr("10.0.0.105"))
			b.clock.Turn(5 * time.Minute)
			again := must(b.lend(mac(500), n, addr("10.0.0.107")))(t)
			same(t, "the one it has", again.Address, first.Address)
			if !again.Until.After(first.Until) || again.Network != "provision" {
				t.Errorf("lent until %s, then %s", first.Until, again.Until)
			}
			same(t, "another's wish for it", must(b.lend(mac(501), n, first.Address))(t).Address, addr("10.0.0.100"))
		},
		"an offer that is requested at once is durable already": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			n := b.provision()
			offered := must(b.lend(mac(500), n, whatever))(t)
			b.clock.Turn(30 * time.Second)
			same(t, "requested", must(b.lend(mac(500), n, offered.Address))(t), offered)
			b.clock.Turn(time.Minute)
			if later := must(b.lend(mac(500), n, offered.Address))(t); !later.Until.After(offered.Until) {
				t.Errorf("extended until %s, offered until %s", later.Until, offered.Until)
			}
		},
		"a pool is lent to its last address, and what was given back again": func(t *testing.T, b *bench) {
			p := planOf(0)
			p.Networks[0].Pool = &plan.Pool{First: "10.0.0.20", Last: "10.0.0.219"}
			b.apply(p)
			n := b.provision()
			lent := map[netip.Addr]bool{}
			for i := range n.Pool.Size() {
				lent[must(b.lend(mac(500+i), n, whatever))(t).Address] = true
			}
			same(t, "lent", len(lent), 200)
			_, err := b.lend(mac(900), n, whatever)
			refused(t, err, fault.Conflict)
			ok(t, b.Release(b.ctx(), mac(503), n, addr("10.0.0.23")))
			same(t, "given back", must(b.lend(mac(900), n, whatever))(t).Address, addr("10.0.0.23"))
		},
		"whom an address was lent to last is known, though the lease has ended": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			n := b.provision()
			lent := must(b.lend(mac(500), n, addr("10.0.0.105")))(t)
			b.clock.Turn(time.Hour)
			same(t, "lessee", must(b.Lessee(b.ctx(), n, lent.Address))(t), mac(500))
			must(b.lend(mac(501), n, lent.Address))(t)
			same(t, "the next", must(b.Lessee(b.ctx(), n, lent.Address))(t), mac(501))
			ok(t, b.Decline(b.ctx(), mac(501), n, lent.Address))
			for _, nobody := range []netip.Addr{lent.Address, addr("10.0.0.106"), whatever} {
				same(t, "nobody's", must(b.Lessee(b.ctx(), n, nobody))(t), inventory.MAC{})
			}
		},
		"the leases that run are found by address and by client": func(t *testing.T, b *bench) {
			p := planOf(0)
			other := plan.Network{Name: "other", CIDR: "10.7.0.0/24", DHCP: inventory.DHCPReservations, Strangers: inventory.StrangerDiscover, Pool: &plan.Pool{First: "10.7.0.100", Last: "10.7.0.109"}}
			p.Networks = append(p.Networks, other)
			b.apply(p)
			n := b.provision()
			first := must(b.lend(mac(500), n, addr("10.0.0.105")))(t)
			must(b.lend(mac(501), n, addr("10.0.0.106")))(t)
			b.clock.Turn(time.Minute)
			second := must(b.lend(mac(500), b.network("other"), whatever))(t)
			same(t, "of a client, the newest first", must(b.Find(b.ctx(), mac(500), nil, whatever))(t), []inventory.Lease{second, first})
			same(t, "of an address", must(b.Find(b.ctx(), inventory.MAC{}, n, first.Address))(t), []inventory.Lease{first})
			ok(t, b.Decline(b.ctx(), mac(501), n, addr("10.0.0.106")))
			b.clock.Turn(9 * time.Minute)
			same(t, "once one is over", must(b.Find(b.ctx(), mac(500), nil, whatever))(t), []inventory.Lease{second})
			for what, found := range map[string][]inventory.Lease{
				"that is over":         must(b.Find(b.ctx(), inventory.MAC{}, n, first.Address))(t),
				"that rests":           must(b.Find(b.ctx(), inventory.MAC{}, n, addr("10.0.0.106")))(t),
				"of the other network": must(b.Find(b.ctx(), inventory.MAC{}, n, second.Address))(t),
				"of nobody's address":  must(b.Find(b.ctx(), inventory.MAC{}, n, whatever))(t),
				"of nobody":            must(b.Find(b.ctx(), inventory.MAC{}, nil, whatever))(t),
				"of who gave one back": must(b.Find(b.ctx(), mac(501), nil, whatever))(t),
			} {
				same(t, "a lease "+what, len(found), 0)
			}
		},
		"what the plan reserves and the gateway are never lent": func(t *testing.T, b *bench) {
			p := planOf(2)
			p.Networks[0].Gateway = "10.0.0.102"
			p.Racks[0].Machines[0].NICs[0].Address, p.Racks[0].Machines[1].NICs[0].Address = "10.0.0.100", "10.0.0.101"
			b.apply(p)
			for i, wish := range []string{"10.0.0.100", "10.0.0.102", "10.0.0.50", "192.0.2.1"} {
				l := must(b.lend(mac(500+i), b.provision(), addr(wish)))(t)
				same(t, "lent for "+wish, l.Address, addr(fmt.Sprintf("10.0.0.%d", 103+i))) // what is given back rests
				ok(t, b.Release(b.ctx(), mac(500+i), b.provision(), l.Address))
			}
		},
		"a lease that the plan's reservation overtakes is moved": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			must(b.lend(mac(500), b.provision(), whatever))(t)
			p := planOf(1)
			p.Racks[0].Machines[0].NICs[0].Address = "10.0.0.100"
			b.apply(p)
			same(t, "moved", must(b.lend(mac(500), b.provision(), whatever))(t).Address, addr("10.0.0.101"))
		},
		"an address is lent again once it was released or its time is over": func(t *testing.T, b *bench) {
			p := planOf(0)
			p.Networks[0].Pool.Last = p.Networks[0].Pool.First
			b.apply(p)
			n := b.provision()
			l := must(b.lend(mac(500), n, whatever))(t)
			_, err := b.lend(mac(501), n, whatever)
			refused(t, err, fault.Conflict)
			ok(t, b.Release(b.ctx(), mac(501), n, l.Address)) // not its own
			_, err = b.lend(mac(501), n, whatever)
			refused(t, err, fault.Conflict)
			ok(t, b.Release(b.ctx(), mac(500), n, l.Address))
			must(b.lend(mac(501), n, whatever))(t)
			b.clock.Turn(10 * time.Minute)
			same(t, "running", len(must(b.Leases(b.ctx()))(t)), 0)
			must(b.lend(mac(502), n, whatever))(t)
			ok(t, b.Prune(b.ctx()))
			same(t, "kept", b.count("SELECT count(*) FROM lease"), 1)
		},
		"a lease or a rest that somebody ends is over at once": func(t *testing.T, b *bench) {
			p := planOf(0)
			p.Networks[0].Pool.Last = p.Networks[0].Pool.First
			b.apply(p)
			n := b.provision()
			l := must(b.lend(mac(500), n, whatever))(t)
			_, err := b.lend(mac(501), n, whatever)
			refused(t, err, fault.Conflict)
			ok(t, b.EndLease(b.ctx(), n.Name, l.Address.String(), "ann"))
			refused(t, b.EndLease(b.ctx(), n.Name, l.Address.String(), "ann"), fault.NotFound)
			same(t, "lent again", must(b.lend(mac(501), n, whatever))(t).Address, l.Address)
			_, err = b.lend(mac(500), n, l.Address) // which it was offered a moment ago
			refused(t, err, fault.Conflict)
			ok(t, b.Decline(b.ctx(), mac(501), n, l.Address))
			ok(t, b.EndLease(b.ctx(), n.Name, l.Address.String(), "ann"))
			same(t, "rests no more", must(b.lend(mac(502), n, whatever))(t).Address, l.Address)
			refused(t, b.EndLease(b.ctx(), "none", l.Address.String(), "ann"), fault.NotFound)
			same(t, "told", b.count(`SELECT count(*) FROM event WHERE actor = 'ann' AND summary LIKE 'lease of %'`), 2)
			b.clock.Turn(time.Hour)
			refused(t, b.EndLease(b.ctx(), n.Name, l.Address.String(), "ann"), fault.NotFound)
		},
		"an address that was declined rests for an hour": func(t *testing.T, b *bench) {
			b.apply(planOf(0))
			n := b.provision()
			l := must(b.lend(mac(500), n, whatever))(t)
			ok(t, b.Decline(b.ctx(), mac(501), n, l.Address)) // not its own
			ok(t, b.Decline(b.ctx(), mac(500), n, l.Address))
			next := must(b.lend(mac(500), n, l.Address))(t)
			same(t, "next", next.Address, l.Address.Next())
			ok(t, b.Decline(b.ctx(), mac(500), n, next.Address))
			all := must(b.Leases(b.ctx()))(t)
			same(t, "resting", []any{len(all), all[0].MAC, all[1].Address}, []any{2, inventory.MAC{}, next.Address})
			b.clock.Turn(time.Hour)
			same(t, "rested", must(b.lend(mac(502), n, l.Address))(t).Address, l.Address)
		},
		"leases are listed by address as numbers are": func(t *testing.T, b *bench) {
			p := planOf(0)
			p.Networks[0].Pool = &plan.Pool{First: "10.0.0.98", Last: "10.0.0.101"}
			b.apply(p)
			for i := range 4 {
				must(b.lend(mac(500+i), b.provision(), whatever))(t)
			}
			for i, l := range must(b.Leases(b.ctx()))(t) {
				same(t, "in place", l.Address, b.provision().Pool.Nth(i))
			}
		},
	}
}
