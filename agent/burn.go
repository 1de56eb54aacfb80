package agent

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"rackwright/agent/burn"
	"rackwright/agent/disk"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// burn works the machine as long as is left of the order and tells what it found. What is
// wrong with the machine does not fail the order: the server judges.
func (a *agent) burn(ctx context.Context, o wire.Order) error {
	if no := a.mayBurn(o); no != nil {
		return a.refuse(ctx, o, no)
	}
	left := time.Duration(o.Burn.Seconds-o.Burn.Done) * time.Second
	a.Say("burn-in for %s: %v", left, o.Burn.Tests)
	a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Accepted})
	said := 0
	tell := func(b wire.Burned) {
		e, err := a.burnEvent(o, wire.Burning, b)
		if err == nil {
			a.reporter.post(e)
		}
		for ; said < len(b.Errors); said++ {
			a.Say("burn-in: %s", printable(b.Errors[said]))
		}
	}
	w, done := a.burnWorld(o)
	defer done()
	found, err := burn.Run(ctx, w, *o.Burn, tell)
	if err != nil {
		return a.fail(ctx, o, wire.ReasonBurn, err)
	}
	e, err := a.burnEvent(o, wire.Completed, found)
	if err != nil {
		return a.fail(ctx, o, wire.ReasonBurn, err)
	}
	a.Say("burn-in done: %d errors", len(found.Errors))
	a.conclude(e)
	return nil
}

// mayBurn checks an order before it begins.
func (a *agent) mayBurn(o wire.Order) *refusal {
	if o.Burn.Done < 0 || o.Burn.Seconds > int(30*24*time.Hour/time.Second) {
		return &refusal{wire.ReasonBadOrder, fault.Invalidf("a burn-in of %d seconds, %d of them done, is not possible", o.Burn.Seconds, o.Burn.Done)}
	}
	if o.Burn.Write {
		if _, no := a.permit(o); no != nil {
			return no
		}
	}
	return nil
}

func (a *agent) burnEvent(o wire.Order, stage wire.Stage, b wire.Burned) (wire.Event, error) {
	result, err := json.Marshal(b)
	if err != nil {
		return wire.Event{}, fault.Internalf("encode what the burn-in found: %w", err)
	}
	return wire.Event{Order: o.ID, Stage: stage, Done: int64(o.Burn.Done + b.Seconds), Total: int64(o.Burn.Seconds), Result: result}, nil
}

// burnWorld is this machine as a burn-in sees it.
func (a *agent) burnWorld(o wire.Order) (w burn.World, done func()) {
	done = func() {}
	w = a.Burn
	if w.Root == "" {
		w = burn.Here(Sleep)
	}
	w.Facts, w.Reach = a.Facts, addressed
	w.Write = func(ctx context.Context, d inventory.Disk) (burn.Medium, error) {
		p, no := a.permit(o)
		if no != nil || grantOf(p, d) == nil {
			return nil, nil
		}
		m, no := a.open(ctx, o, d)
		if no != nil {
			return nil, no.err
		}
		if err := disk.WipeEnds(m); err != nil { // or at the next attempt, half overwritten, it is a stranger's
			return nil, errors.Join(err, m.Close())
		}
		return m, nil
	}
	if o.Burn.Peer != "" {
		s := newStream(a.Params, a.client.session, o.Burn.Peer)
		w.Peer, done = s, s.close
	}
	return w, done
}

// addressed reports whether a port has an address to speak from.
func addressed(port string) bool { _, err := addressOf(port); return err == nil }

// addressOf is a port's first address that is good beyond its link.
func addressOf(port string) (net.IP, error) {
	i, err := net.InterfaceByName(port)
	if err != nil {
		return nil, fault.NotFoundf("port %s: %w", port, err)
	}
	list, err := i.Addrs()
	for _, one := range list {
		if n, ok := one.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return n.IP, nil
		}
	}
	return nil, errors.Join(fault.NotFoundf("port %s has no address", port), err)
}
