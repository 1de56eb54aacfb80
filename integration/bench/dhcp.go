package main

import (
	"context"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
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
)

// daemon is a DHCP server under load: it must answer relayed messages on port 67 of the
// cable's server address, and give every client its own reserved address.
type daemon struct {
	name  string
	start func(ctx context.Context, b *bench, dir string, clients []load.Client) (*process, error)
}

// measureDHCP counts complete exchanges (DISCOVER, OFFER, REQUEST, ACK) per second with
// machines whose address is reserved, for us and for Kea as Debian packages it.
func measureDHCP(ctx context.Context, b *bench) error {
	c, conn, err := lay()
	if err != nil {
		return err
	}
	defer c.remove()
	defer conn.Close()
	o := load.Options{Conn: conn, Relay: c.relay, Clients: planned(), InFlight: inFlight, For: round, Patience: patience}
	ours, err := rate(ctx, b, daemon{"rackwright", startOurs}, o)
	if err != nil {
		return err
	}
	keas, err := rate(ctx, b, daemon{"kea", startKea}, o)
	if err != nil {
		return err
	}
	return b.report("dhcp.reserved.dora", reading{value: ours, peer: keas})
}

// planned are the machines: 02:00:00:00:00:00 and on, 10.88.1.0 and on.
func planned() []load.Client {
	out := make([]load.Client, hosts)
	for i := range out {
		n := i + 1<<8
		out[i] = load.Client{MAC: [6]byte{2, 0, 0, 0, byte(i >> 8), byte(i)}, Address: netip.AddrFrom4([4]byte{10, 88, byte(n >> 8), byte(n)})}
	}
	return out
}

// rate starts a server, lets every client ask once, and returns the median of its rounds.
func rate(ctx context.Context, b *bench, d daemon, o load.Options) (float64, error) {
	b.tell("dhcp: starting %s with %d machines", d.name, len(o.Clients))
	p, err := d.start(ctx, b, filepath.Join(b.out, "bench", d.name), o.Clients)
	if err != nil {
		return 0, err
	}
	defer p.end()
	if err := lab.Until(ctx, 60*time.Second, d.name+" answering", func() (bool, error) {
		first := o
		first.InFlight, first.For, first.Clients = 1, time.Millisecond, o.Clients[:1]
		r, err := under(ctx, first)
		return err == nil && r.Done > 0, p.alive()
	}); err != nil {
		return 0, err
	}
	var rates []float64
	for i := range rounds + 1 { // the first is for warming up
		r, err := under(ctx, o)
		if err == nil {
			err = honest(r)
		}
		if err != nil {
			return 0, fault.Internalf("%s: %w", d.name, err)
		}
		b.tell("dhcp: %s: round %d of %d: %.0f/s, %d lost", d.name, i, rounds, r.Rate(), r.Lost)
		if i > 0 {
			rates = append(rates, r.Rate())
		}
	}
	slices.Sort(rates)
	return rates[len(rates)/2], nil
}

// under runs the load on a processor that the server does not use.
func under(ctx context.Context, o load.Options) (r load.Result, err error) {
	onCore(0, func() { r, err = load.Run(ctx, o) })
	return r, err
}

// honest refuses a result that says nothing: wrong answers, or too many lost.
func honest(r load.Result) error {
	switch {
	case r.Wrong != "":
		return fault.Internalf("%s", r.Wrong)
	case r.Done == 0 || float64(r.Lost) > mostLost*float64(r.Done+r.Lost):
		return fault.Internalf("%d of %d exchanges were lost", r.Lost, r.Done+r.Lost)
	}
	return nil
}

func mac(c load.Client) string { return net.HardwareAddr(c.MAC[:]).String() }
