package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"rackwright/fault"
	"rackwright/integration/bench/load"
	"rackwright/integration/lab"
)

// What is asked of each DHCP server.
const (
	hosts    = 10000 // machines with a reserved address
	inFlight = 64    // exchanges at once
	rounds   = 3     // the median of them counts
	round    = 4 * time.Second
	patience = time.Second // a later answer is a loss
	mostLost = 0.01        // of the exchanges; more, and the rate means nothing
	open     = 4096        // exchanges at once where a rate is asked for
	strays   = 10000       // strangers' DISCOVERs a second in a flood
)

// daemon is a DHCP server under load: it must answer relayed messages on port 67 of the
// cable's server address, and give every client its own reserved address.
type daemon struct {
	name    string
	clients []load.Client
	start   start
	again   start // after it was ended; nil: as at first
}

type start func(ctx context.Context, b *bench, dir string, clients []load.Client) (*process, error)

// measureDHCP measures us beside Kea as Debian packages it, with machines whose address is
// reserved, and us alone in halls of other sizes.
func measureDHCP(ctx context.Context, b *bench) error {
	defer urgent()()
	c, conn, err := lay()
	if err != nil {
		return err
	}
	defer c.remove()
	defer conn.Close()
	o := load.Options{Conn: conn, Relay: c.relay, InFlight: inFlight, For: round, Patience: patience}
	return errors.Join(besideKea(ctx, b, o), ofManySizes(ctx, b, o))
}

// besideKea counts complete exchanges (DISCOVER, OFFER, REQUEST, ACK) per second, what they
// take of a processor, and how long they take at half that rate; ours beside a flood as well.
func besideKea(ctx context.Context, b *bench, o load.Options) error {
	machines := planned(hosts)
	servers := []daemon{{"rackwright", machines, startOurs, startKept}, {"kea", machines, startKea, nil}}
	var weights [2]weight
	var flooded float64
	err := inTurn(ctx, b, servers, o, func(turn, i int, p *process, o load.Options) error {
		err := weights[i].add(ctx, b, servers[i].name, p, o)
		if err == nil && i == 0 && turn == rounds-1 {
			flooded, err = inFlood(ctx, b, o, middle(weights[i].rates)/2)
		}
		return err
	})
	if err != nil {
		return err
	}
	beside := func(of func(w *weight) []float64) reading {
		return reading{value: middle(of(&weights[0])), peer: middle(of(&weights[1]))}
	}
	return errors.Join(
		b.report("dhcp.reserved.dora", beside(func(w *weight) []float64 { return w.rates })),
		b.report("dhcp.reserved.p99", beside(func(w *weight) []float64 { return w.p99s })),
		b.report("dhcp.reserved.cpu", beside(func(w *weight) []float64 { return w.cpus })),
		b.report("dhcp.reserved.flood", reading{value: flooded, peer: middle(weights[0].paced)}))
}

// inTurn starts each of the servers once in every round, so that what else goes on on this
// machine comes to all of them, and has it measured. It is ended after that.
func inTurn(ctx context.Context, b *bench, servers []daemon, o load.Options, measure func(turn, i int, p *process, o load.Options) error) error {
	for turn := range rounds {
		for i, d := range servers {
			if turn > 0 && d.again != nil {
				d.start = d.again
			}
			o.Clients = d.clients
			p, err := begin(ctx, b, d, o)
			if err != nil {
				return err
			}
			err = measure(turn, i, p, o)
			p.end()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// planned are the machines: 02:00:00:00:00:00 and on, 10.88.1.0 and on.
func planned(n int) []load.Client {
	out := make([]load.Client, n)
	for i := range out {
		at := i + 1<<8
		out[i] = load.Client{MAC: [6]byte{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}, Address: netip.AddrFrom4([4]byte{10, 88 + byte(at>>16), byte(at >> 8), byte(at)})}
	}
	return out
}

// weight is what was measured of one server.
type weight struct {
	rates []float64 // exchanges a second, in each turn
	cpus  []float64 // seconds of a processor for each 10,000
	p99s  []float64 // ms at half that rate, in each round of each turn
	paced []float64 // exchanges a second in those
}

// add measures a turn.
func (w *weight) add(ctx context.Context, b *bench, name string, p *process, o load.Options) error {
	full, cpu, err := rate(ctx, b, name, p, o)
	if err != nil {
		return err
	}
	w.rates, w.cpus = append(w.rates, full), append(w.cpus, cpu)
	o.Rate, o.InFlight = full/2, min(open, len(o.Clients))
	for range rounds {
		r, err := under(ctx, o)
		if err != nil || r.Wrong != "" || r.Done == 0 {
			return fault.Internalf("%s at half of its rate: %d exchanges %s %v", name, r.Done, r.Wrong, err)
		}
		p99 := r.Within(99)
		if lossy(r) { // more than one of 100 was never over
			p99 = o.Patience
		}
		b.tell("dhcp: %s: at %.0f/s half within %s, 99 of 100 within %s, %d lost", name, r.Rate(), r.Within(50), p99, r.Lost)
		w.p99s, w.paced = append(w.p99s, p99.Seconds()*1000), append(w.paced, r.Rate())
	}
	return nil
}

// inFlood returns the rate of ours at a pace beside strangers that ask.
func inFlood(ctx context.Context, b *bench, o load.Options, pace float64) (float64, error) {
	o.Rate, o.InFlight, o.Strangers = pace, min(open, len(o.Clients)), strays
	r, err := under(ctx, o)
	if err != nil || r.Wrong != "" {
		return 0, fault.Internalf("in a flood: %s %v", r.Wrong, err)
	}
	b.tell("dhcp: in a flood %.0f/s, half within %s, 99 of 100 within %s, %d lost", r.Rate(), r.Within(50), r.Within(99), r.Lost)
	return r.Rate(), nil
}

// begin starts a server and waits until it answers.
func begin(ctx context.Context, b *bench, d daemon, o load.Options) (*process, error) {
	b.tell("dhcp: starting %s with %d machines", d.name, len(o.Clients))
	p, err := d.start(ctx, b, filepath.Join(b.out, "bench", d.name), o.Clients)
	if err != nil {
		return nil, err
	}
	if err := lab.Until(ctx, 60*time.Second, d.name+" answering", func() (bool, error) {
		return once(ctx, o, o.Clients[:1], patience), p.alive()
	}); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// once reports whether a client was given its address.
func once(ctx context.Context, o load.Options, client []load.Client, patience time.Duration) bool {
	o.InFlight, o.For, o.Clients, o.Patience = 1, time.Microsecond, client, patience
	r, err := under(ctx, o)
	return err == nil && r.Done > 0
}

// rate is that of a round after one to warm up, and what 10,000 exchanges take of a processor,
// seconds.
func rate(ctx context.Context, b *bench, name string, p *process, o load.Options) (full, cpu float64, err error) {
	for _, what := range []string{"to warm up", "counted"} {
		before, err := cpuOf(p.cmd.Process.Pid)
		if err != nil {
			return 0, 0, err
		}
		r, err := under(ctx, o)
		if err == nil {
			err = honest(r)
		}
		if err != nil {
			return 0, 0, fault.Internalf("%s: %w", name, err)
		}
		after, err := cpuOf(p.cmd.Process.Pid)
		if err != nil {
			return 0, 0, err
		}
		full, cpu = r.Rate(), (after-before)/float64(r.Done)*10000
		b.tell("dhcp: %s: %s: %.0f/s, %.2f s of processor for each 10,000, %d lost", name, what, full, cpu, r.Lost)
	}
	return full, cpu, nil
}

// under runs the load on a processor that the server does not use. A round's garbage is
// collected before and after it: a collection would hold up who asks, and count as the server's.
func under(ctx context.Context, o load.Options) (r load.Result, err error) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	onCore(0, func() { r, err = load.Run(ctx, o) })
	return r, err
}

// honest refuses a result that says nothing: wrong answers, or too many lost.
func honest(r load.Result) error {
	switch {
	case r.Wrong != "":
		return fault.Internalf("%s", r.Wrong)
	case r.Done == 0 || lossy(r):
		return fault.Internalf("%d of %d exchanges were lost", r.Lost, r.Done+r.Lost)
	}
	return nil
}

func lossy(r load.Result) bool { return float64(r.Lost) > mostLost*float64(r.Done+r.Lost) }

func mac(c load.Client) string { return net.HardwareAddr(c.MAC[:]).String() }
