package bmctest

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// controller is one login to a BMC.
type controller struct {
	bmc.Unable
	b       *BMC
	as      string // the user
	shown   string // certificate
	expired bool   // the password has to be changed first
	mu      sync.Mutex
	closed  bool
}

// called is the beginning of a call that an expired password does not let through.
func (c *controller) called(ctx context.Context, op Op) error {
	if c.expired {
		return fault.Deniedf("BMC %s wants the password of %q changed first", c.b.access.Address, c.as).WithHint("set a new password")
	}
	return c.calledExpired(ctx, op)
}

func (c *controller) calledExpired(ctx context.Context, op Op) error {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return fault.Conflictf("the connection to BMC %s is closed", c.b.access.Address)
	}
	return c.b.called(ctx, op)
}

func (c *controller) Power(ctx context.Context) (inventory.Power, error) {
	if err := c.called(ctx, Power); err != nil {
		return inventory.PowerUnknown, err
	}
	return c.b.Power(), nil
}

func (c *controller) On(ctx context.Context) error {
	if err := c.called(ctx, On); err != nil {
		return err
	}
	c.b.set(inventory.PowerOn, false)
	return nil
}

func (c *controller) Off(ctx context.Context, _ time.Duration) error {
	if err := c.called(ctx, Off); err != nil {
		return err
	}
	c.b.set(inventory.PowerOff, false)
	return nil
}

func (c *controller) Cycle(ctx context.Context) error {
	if err := c.called(ctx, Cycle); err != nil {
		return err
	}
	c.b.set(inventory.PowerOn, true)
	return nil
}

func (c *controller) SetNextBoot(ctx context.Context, next bmc.Boot) error {
	if err := c.called(ctx, SetNextBoot); err != nil {
		return err
	}
	switch u, err := url.Parse(next.URI); {
	case next.Target == bmc.BootNone:
		next = bmc.Boot{Target: bmc.BootNone}
	case !slices.Contains(bmc.Targets(), next.Target):
		return fault.Invalidf("next boot %q is not one we know", next.Target)
	case next.URI != "" && (err != nil || next.Target != bmc.BootHTTP || u.Scheme != "http" && u.Scheme != "https" || u.User != nil):
		return fault.Invalidf("the boot URI is no http URL, or the target is not http").WithHint("leave it out")
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.next = next
	return nil
}

func (c *controller) NextBoot(ctx context.Context) (bmc.Boot, error) {
	if err := c.called(ctx, NextBoot); err != nil {
		return bmc.Boot{}, err
	}
	return c.b.NextBoot(), nil
}

func (c *controller) Identity(ctx context.Context) (inventory.Facts, error) {
	if err := c.called(ctx, Identity); err != nil {
		return inventory.Facts{}, err
	}
	f := c.b.known()
	return inventory.Facts{Source: f.Source, Observed: time.Now().UTC(), System: f.System, MemoryMiB: f.MemoryMiB, NICs: f.NICs}, nil
}

func (c *controller) Facts(ctx context.Context) (inventory.Facts, error) {
	if err := c.called(ctx, Facts); err != nil {
		return inventory.Facts{}, err
	}
	f := c.b.known()
	f.Observed = time.Now().UTC()
	return f, nil
}

func (c *controller) Locate(ctx context.Context, on bool) error {
	if err := c.called(ctx, Locate); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.b.dark {
		return fault.Invalidf("BMC %s has no locator LED", c.b.access.Address).WithHint("find the machine by its label")
	}
	c.b.lit = on
	return nil
}

func (c *controller) Certificate() string { return c.shown }

func (c *controller) Close(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.b.mu.Lock()
	c.b.sessions--
	c.b.mu.Unlock()
	return c.b.called(context.WithoutCancel(ctx), Close)
}
