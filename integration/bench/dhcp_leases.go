package main

import (
	"context"
	"errors"
	"time"

	"rackwright/fault"
	"rackwright/integration/bench/load"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// What is asked of servers that lend.
const (
	strangersOf = 100_000 // a round; each has strangers of its own, and no stranger asks twice
	lentFirst   = "10.89.0.0"
	lentLast    = "10.99.255.254"
	lendRound   = 3 * time.Second
)

// strangersFor are the clients of a round, whom nobody knows.
func strangersFor(round int) []load.Client {
	out := make([]load.Client, strangersOf)
	for i := range out {
		n := round*strangersOf + i
		out[i] = load.Client{MAC: [6]byte{2, 1, 0, byte(n >> 16), byte(n >> 8), byte(n)}}
	}
	return out
}

// measureLeases measures us beside Kea with clients that nobody knows, whose leases are written
// down. Neither looks whether an address is used before it lends it.
func measureLeases(ctx context.Context, b *bench) error {
	defer urgent()()
	c, conn, err := lay()
	if err != nil {
		return err
	}
	defer c.remove()
	defer conn.Close()
	o := load.Options{Conn: conn, Relay: c.relay, InFlight: inFlight, For: lendRound, Patience: patience}
	servers := []daemon{{"rackwright", strangersFor(0), startLender, nil}, {"kea", strangersFor(0), startKeaLender, nil}}
	var weights [2]weight
	err = inTurn(ctx, b, servers, o, func(_, i int, p *process, o load.Options) error {
		return weights[i].lend(ctx, b, servers[i].name, p, o, i == 0)
	})
	if err != nil {
		return err
	}
	return errors.Join(
		b.report("leases.rate", reading{value: middle(weights[0].rates), peer: middle(weights[1].rates)}),
		b.report("leases.p99", reading{value: middle(weights[0].p99s)}),
		b.report("leases.cpu", reading{value: middle(weights[0].cpus), peer: middle(weights[1].cpus)}))
}

// lend measures a turn of a server that was started anew: a round to warm up and one that counts
// and, if wanted, those at half of the rate.
func (w *weight) lend(ctx context.Context, b *bench, name string, p *process, o load.Options, half bool) error {
	full := 0.0
	for i, what := range []string{"to warm up", "counted"} {
		o.Clients = strangersFor(i)
		r, cpu, err := lendOnce(ctx, p, o)
		if err != nil {
			return err
		}
		full, cpu = r.Rate(), cpu/float64(r.Done)*10000
		b.tell("leases: %s: %s: %.0f/s, %.2f s of processor for each 10,000, %d lost, half within %s, 99 of 100 within %s", name, what, full, cpu, r.Lost, r.Within(50), r.Within(99))
		if i > 0 {
			w.rates, w.cpus = append(w.rates, full), append(w.cpus, cpu)
		}
	}
	if !half {
		return nil
	}
	o.Rate, o.InFlight = full/2, open
	for i := range rounds {
		o.Clients = strangersFor(2 + i)
		r, _, err := lendOnce(ctx, p, o)
		if err != nil {
			return err
		}
		b.tell("leases: %s: at %.0f/s half within %s, 99 of 100 within %s, %d lost", name, r.Rate(), r.Within(50), r.Within(99), r.Lost)
		w.p99s = append(w.p99s, r.Within(99).Seconds()*1000)
	}
	return nil
}

// lendOnce is a round, and what it took of the server's processor, seconds.
func lendOnce(ctx context.Context, p *process, o load.Options) (load.Result, float64, error) {
	before, err := cpuOf(p.cmd.Process.Pid)
	if err != nil {
		return load.Result{}, 0, err
	}
	r, err := under(ctx, o)
	if err == nil {
		err = honest(r)
	}
	if err == nil && r.Done+r.Lost > len(o.Clients) {
		err = fault.Internalf("%d exchanges with %d strangers: some asked twice", r.Done+r.Lost, len(o.Clients))
	}
	after, bad := cpuOf(p.cmd.Process.Pid)
	return r, after - before, errors.Join(err, bad)
}

// startLender starts us with a network that lends to strangers.
func startLender(ctx context.Context, b *bench, dir string, _ []load.Client) (*process, error) {
	p, err := startOurs(ctx, b, dir, nil)
	if err != nil {
		return nil, err
	}
	c, err := apiOf(dir)
	if err == nil {
		n := planOf(nil)
		n.Networks[0].DHCP, n.Networks[0].Strangers = inventory.DHCPAuthoritative, inventory.StrangerDiscover
		n.Networks[0].Pool = &plan.Pool{First: lentFirst, Last: lentLast}
		_, err = c.ApplyPlan(ctx, n, "")
	}
	if err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// startKeaLender starts Kea with the same pool. It appends leases to its file and does not
// wait until they are on the disk.
func startKeaLender(ctx context.Context, b *bench, dir string, _ []load.Client) (*process, error) {
	return startKeaWith(ctx, dir, func(dir string) any {
		return keaConfig(dir, nil, map[string]any{"pools": []map[string]any{{"pool": lentFirst + " - " + lentLast}}, "reservations-in-subnet": false})
	})
}
