package link

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// Bounds of the search for a network.
const (
	alone   = 20 * time.Second // the boot port is tried alone for so long
	offer   = time.Second      // wait for an answer, doubled by nclient4's retries
	retries = 3
	between = 100 * time.Millisecond // looks for ports and carrier
	barren  = 45 * time.Second       // without any port: its driver is not there
)

// Network is a port with an address, and how to keep it.
type Network struct {
	Port   string
	Config Config
	lease  *nclient4.Lease // nil for an address of IPv6
	path   string          // of the resolver's file
	wait   func(context.Context, time.Duration) error
}

// Wanted says which port and network to look at first.
type Wanted struct {
	Boot inventory.MAC // that the machine booted from; zero: any
	VLAN int           // tag of the network on it; 0: none
	IPv6 bool          // the server is reached over IPv6
}

// Acquire brings every port up and gets an address by DHCP: on the port the machine
// booted from, and after a while, or if boot is zero, on any with link. It tries until ctx
// is done, when it returns Unreachable with what was seen. wait is the clock.
func Acquire(ctx context.Context, w Wanted, resolver string, wait func(context.Context, time.Duration) error, say func(format string, args ...any)) (*Network, error) {
	loopback()
	start := time.Now()
	said := map[string]bool{}
	var last error
	for ctx.Err() == nil {
		found := ports()
		if len(found) == 0 && time.Since(start) > barren {
			break
		}
		for _, p := range order(found, w.Boot, time.Since(start) > alone) {
			if !carrier(p.Name) {
				continue
			}
			if !said[p.Name] {
				say("asking for an address on %s (%s)", p.Name, p.HardwareAddr)
				said[p.Name] = true
			}
			n, err := ask(ctx, p, w, resolver, wait)
			if err == nil {
				n.wait = wait
				return n, nil
			}
			last = err
		}
		_ = wait(ctx, between) // the loop looks whether ctx ended
	}
	return nil, diagnose(said, last)
}

func diagnose(tried map[string]bool, last error) error {
	seen := ports()
	switch {
	case len(seen) == 0:
		return &without{wire.NoDriver, fault.Unreachablef("no network port has a driver").WithHint("add the module of the PCI ids that are named here to the ramdisk")}
	case len(tried) == 0:
		return &without{wire.NoLink, fault.Unreachablef("none of %d network ports has link", len(seen)).WithHint("look at the cable and the switch port")}
	}
	return &without{wire.NoLease, fault.Unreachablef("no DHCP server gave an address: %w", last).WithHint("look at the machine's timeline on the server: which packets did it see?")}
}

// without is why there is no network.
type without struct {
	trouble wire.Trouble
	error
}

// Unwrap gives the fault.
func (w *without) Unwrap() error { return w.error }

// TroubleOf is why Acquire found no network.
func TroubleOf(err error) wire.Trouble {
	if w, ok := errors.AsType[*without](err); ok {
		return w.trouble
	}
	return wire.NoLease
}

// ask runs DISCOVER to ACK on one port, or what there is of the kind for IPv6, and applies
// what it says.
func ask(ctx context.Context, p net.Interface, w Wanted, resolver string, wait func(context.Context, time.Duration) error) (*Network, error) {
	if w.VLAN > 0 {
		name, err := tagged(p, w.VLAN)
		if err != nil {
			return nil, err
		}
		p.Name = name
	}
	if w.IPv6 {
		return ask6(ctx, p.Name, resolver, wait)
	}
	client, err := nclient4.New(p.Name, nclient4.WithTimeout(offer), nclient4.WithRetry(retries))
	if err != nil {
		return nil, fault.Internalf("DHCP on %s: %w", p.Name, err)
	}
	defer client.Close()
	lease, err := client.Request(ctx, asAgent())
	if err != nil {
		return nil, fault.Unreachablef("DHCP on %s: %w", p.Name, err)
	}
	return adopt(p.Name, lease, resolver)
}

// asAgent marks the packets, so that a person who reads a capture knows who asked.
func asAgent() dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptClassIdentifier("rackwright-agent"))
}

func adopt(port string, lease *nclient4.Lease, resolver string) (*Network, error) {
	c, err := configOf(lease.ACK)
	if err != nil {
		return nil, err
	}
	if err := apply(port, c, resolver); err != nil {
		return nil, err
	}
	return &Network{Port: port, Config: c, lease: lease, path: resolver}, nil
}

// Run renews the lease at half its time (RFC 2131, section 4.4.5) until ctx is done. A
// renewal that fails is tried again; the address stays meanwhile: a write that is under
// way is worth more than a lease.
func (n *Network) Run(ctx context.Context) error {
	for {
		if n.wait(ctx, n.Config.Lease/2) != nil {
			return ctx.Err()
		}
		for n.renew(ctx) != nil {
			if n.wait(ctx, 15*time.Second) != nil {
				return ctx.Err()
			}
		}
	}
}

func (n *Network) renew(ctx context.Context) error {
	if n.lease == nil {
		return n.renew6(ctx)
	}
	client, err := nclient4.New(n.Port, nclient4.WithTimeout(offer), nclient4.WithRetry(retries))
	if err != nil {
		return err
	}
	defer client.Close()
	lease, err := client.Renew(ctx, n.lease, asAgent())
	if err != nil {
		return err
	}
	c, err := configOf(lease.ACK)
	if err != nil || c.Address != n.Config.Address {
		return fault.Conflictf("the DHCP server renews %s with %s", n.Config.Address, lease.ACK.YourIPAddr)
	}
	n.lease, n.Config = lease, c
	return nil
}
