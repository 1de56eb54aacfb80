package load

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rackwright/fault"
)

// Storm is machines that are switched on, so many at a time, and boot into the agent as
// machines with firmware do, up to its check-in. It runs in a network namespace of its own:
// the machines' addresses are all its own.
type Storm struct {
	Server   netip.Addr
	Relay    netip.Addr   // of the relay agent they speak DHCP through, on this host
	Prefix   netip.Prefix // that all their addresses are in
	Machines []Client
	AtOnce   int
	Patience time.Duration // a machine that takes longer has failed
}

// Stormed is what came of it.
type Stormed struct {
	Booted, Failed int
	Took           time.Duration
	P50, P99, Last time.Duration // from a machine's first DISCOVER until its agent is welcome
	Repeats        int           // of questions and fetches, which firmware makes by itself
	Stages         [stages]Stage
	Faults         []string // the first few
}

// Stage is how long one part of a boot took.
type Stage struct {
	Name     string
	P50, P99 time.Duration
}

// The parts of a boot.
const (
	addressed = iota // firmware has its address
	loaded           // the loader is there
	readdressed
	told     // the script is there
	fetched  // the heads of kernel and ramdisk are
	welcomed // the agent has checked in
	stages
)

func stageName(i int) string {
	return [stages]string{"firmware's DHCP", "loader", "loader's DHCP", "script", "kernel and ramdisk", "check-in"}[i]
}

// mostFaults bounds how many failures are told.
const mostFaults = 5

// Serial is what a machine of the storm calls itself.
func Serial(c Client) string { return fmt.Sprintf("STORM%012X", c.MAC[:]) }

// UUID is that of a machine of the storm.
func UUID(c Client) string { return fmt.Sprintf("4c4c4544-0042-3010-8051-%012x", c.MAC[:]) }

// Run boots all machines.
func (s Storm) Run(ctx context.Context) (Stormed, error) {
	if s.AtOnce < 1 || s.Patience <= 0 {
		return Stormed{}, fault.Invalidf("a storm needs bounds")
	}
	if err := s.own(); err != nil {
		return Stormed{}, err
	}
	relay, err := openStormRelay(s.Relay, s.Server)
	if err != nil {
		return Stormed{}, err
	}
	defer relay.close()
	var all sync.WaitGroup
	var next atomic.Int64
	booted := make([]machine, len(s.Machines))
	began := time.Now()
	for range min(s.AtOnce, len(s.Machines)) {
		all.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(s.Machines); i = next.Add(1) - 1 {
				m := &booted[i]
				*m = machine{Client: s.Machines[i], kind: kindOf(int(i)), server: s.Server, relay: relay}
				m.boot(ctx, s.Patience)
			}
		})
	}
	all.Wait()
	return sum(booted, time.Since(began)), nil
}

func sum(all []machine, took time.Duration) (out Stormed) {
	out.Took = took
	var whole []time.Duration
	var parts [stages][]time.Duration
	for i := range all {
		m := &all[i]
		if out.Repeats += m.repeats; m.err != nil {
			if out.Failed++; len(out.Faults) < mostFaults {
				out.Faults = append(out.Faults, fmt.Sprintf("%s at %s: %v", m.Address, stageName(m.stage), m.err))
			}
			continue
		}
		out.Booted++
		total := time.Duration(0)
		for k, d := range m.took {
			parts[k], total = append(parts[k], d), total+d
		}
		whole = append(whole, total)
	}
	out.P50, out.P99, out.Last = quantile(whole, 50), quantile(whole, 99), quantile(whole, 100)
	for k := range parts {
		out.Stages[k] = Stage{stageName(k), quantile(parts[k], 50), quantile(parts[k], 99)}
	}
	return out
}

// quantile is the time within which so many of a hundred were; 0 of none.
func quantile(all []time.Duration, percent int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)*percent/100, len(all)-1)]
}
