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
	name  string
	start func(ctx context.Context, b *bench, dir string, clients []load.Client) (*process, error)
}

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
// take of a processor, and how long they take at half that rate.
func besideKea(ctx context.Context, b *bench, o load.Options) error {
	o.Clients = planned(hosts)
	ours, err := weigh(ctx, b, daemon{"rackwright", startOurs}, o, true)
	if err != nil {
		return err
	}
	keas, err := weigh(ctx, b, daemon{"kea", startKea}, o, false)
	if err != nil {
		return err
	}
	return errors.Join(
		b.report("dhcp.reserved.dora", reading{value: ours.rate, peer: keas.rate}),
		b.report("dhcp.reserved.p99", reading{value: ours.p99, peer: keas.p99}),
		b.report("dhcp.reserved.cpu", reading{value: ours.cpu, peer: keas.cpu}),
		b.report("dhcp.reserved.flood", reading{value: ours.flooded, peer: ours.paced}))
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
	rate    float64 // exchanges a second
	cpu     float64 // seconds of a processor for each 10,000
	p99     float64 // ms, at half that rate
	paced   float64 // exchanges a second at half that rate
	flooded float64 // and beside a flood of strangers
}

// weigh starts a server and measures it.
func weigh(ctx context.Context, b *bench, d daemon, o load.Options, flood bool) (w weight, err error) {
	p, err := begin(ctx, b, d, o)
	if err != nil {
		return w, err
	}
	defer p.end()
	if w.rate, w.cpu, err = rate(ctx, b, d.name, p, o, rounds); err != nil {
		return w, err
	}
	o.Rate, o.InFlight = w.rate/2, min(open, len(o.Clients))
	if w.p99, w.paced, err = atHalf(ctx, b, d.name, o); err != nil {
		return w, err
	}
	if !flood {
		return w, nil
	}
	o.Strangers = strays
	r, err := under(ctx, o)
	if err != nil || r.Wrong != "" {
		return w, fault.Internalf("%s in a flood: %s %v", d.name, r.Wrong, err)
	}
	w.flooded = r.Rate()
	b.tell("dhcp: %s: in a flood %.0f/s, half within %s, 99 of 100 within %s, %d lost", d.name, w.flooded, r.Within(50), r.Within(99), r.Lost)
	return w, nil
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

// atHalf returns in how many milliseconds 99 of 100 exchanges of the middle round are over,
// and how many there were a second.
func atHalf(ctx context.Context, b *bench, name string, o load.Options) (p99, paced float64, err error) {
	var p99s, rates []float64
	for i := range rounds {
		r, err := under(ctx, o)
		if err != nil || r.Wrong != "" || r.Done == 0 {
			return 0, 0, fault.Internalf("%s at half of its rate: %d exchanges %s %v", name, r.Done, r.Wrong, err)
		}
		p99 := r.Within(99)
		if lossy(r) { // more than one of 100 was never over
			p99 = o.Patience
		}
		b.tell("dhcp: %s: round %d of %d at %.0f/s: half within %s, 99 of 100 within %s, %d lost", name, i+1, rounds, r.Rate(), r.Within(50), p99, r.Lost)
		p99s, rates = append(p99s, p99.Seconds()*1000), append(rates, r.Rate())
	}
	return middle(p99s), middle(rates), nil
}

// rate returns the median of so many rounds, and what they took of a processor.
func rate(ctx context.Context, b *bench, name string, p *process, o load.Options, rounds int) (median, cpu float64, err error) {
	var rates []float64
	done := 0
	for i := range rounds + 1 { // the first is for warming up
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
		b.tell("dhcp: %s: round %d of %d: %.0f/s, %.2f s of processor for each 10,000, %d lost", name, i, rounds, r.Rate(), (after-before)/float64(r.Done)*10000, r.Lost)
		if i > 0 {
			rates, done, cpu = append(rates, r.Rate()), done+r.Done, cpu+after-before
		}
	}
	return middle(rates), cpu / float64(done) * 10000, nil
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
