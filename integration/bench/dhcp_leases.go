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
	ours, err := lend(ctx, b, daemon{name: "rackwright", start: startLender}, o, true)
	if err != nil {
		return err
	}
	keas, err := lend(ctx, b, daemon{name: "kea", start: startKeaLender}, o, false)
	if err != nil {
		return err
	}
	return errors.Join(
		b.report("leases.rate", reading{value: ours.rate, peer: keas.rate}),
		b.report("leases.p99", reading{value: ours.p99}),
		b.report("leases.cpu", reading{value: ours.cpu, peer: keas.cpu}))
}

// loan is what was measured of one server.
type loan struct {
	rate float64 // exchanges a second
	cpu  float64 // seconds of a processor for each 10,000
	p99  float64 // ms, at half that rate
}

// lend measures one server: a round to warm up, then those that count, then, if wanted, those at
// half of the rate.
func lend(ctx context.Context, b *bench, d daemon, o load.Options, half bool) (w loan, err error) {
	o.Clients = strangersFor(0)
	p, err := begin(ctx, b, d, o)
	if err != nil {
		return w, err
	}
	defer p.end()
	var rates []float64
	done := 0
	for i := range rounds + 1 {
		o.Clients = strangersFor(i)
		r, cpu, err := lendOnce(ctx, p, o)
		if err != nil {
			return w, err
		}
		b.tell("leases: %s: round %d of %d: %.0f/s, %.2f s of processor for each 10,000, %d lost, half within %s, 99 of 100 within %s", d.name, i, rounds, r.Rate(), cpu/float64(r.Done)*10000, r.Lost, r.Within(50), r.Within(99))
		if i > 0 {
			rates, done, w.cpu = append(rates, r.Rate()), done+r.Done, w.cpu+cpu
		}
	}
	w.rate, w.cpu = middle(rates), w.cpu/float64(done)*10000
	if !half {
		return w, nil
	}
	w.p99, err = lendAtHalf(ctx, b, p, d.name, w.rate/2, o)
	return w, err
}

// lendAtHalf returns in how many milliseconds 99 of 100 exchanges of the middle round are over,
// at a pace.
func lendAtHalf(ctx context.Context, b *bench, p *process, name string, pace float64, o load.Options) (float64, error) {
	o.Rate, o.InFlight = pace, open
	var p99s []time.Duration
	for i := range rounds {
		o.Clients = strangersFor(rounds + 1 + i)
		r, _, err := lendOnce(ctx, p, o)
		if err != nil {
			return 0, err
		}
		b.tell("leases: %s: round %d of %d at %.0f/s: half within %s, 99 of 100 within %s, %d lost", name, i+1, rounds, r.Rate(), r.Within(50), r.Within(99), r.Lost)
		p99s = append(p99s, r.Within(99))
	}
	return middle(p99s).Seconds() * 1000, nil
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
