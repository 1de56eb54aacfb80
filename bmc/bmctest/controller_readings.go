package bmctest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"rackwright/bmc"
)

// The Reader's and the Logbook's calls.
const (
	Readings Op = "readings"
	Log      Op = "log"
	ClearLog Op = "clear-log"
)

// Feel gives the machine sensors and health; At is the time of each look.
func (b *BMC) Feel(r bmc.Readings) { b.mu.Lock(); defer b.mu.Unlock(); b.feels = r }

func (c *controller) Readings(ctx context.Context) (bmc.Readings, error) {
	if err := c.called(ctx, Readings); err != nil {
		return bmc.Readings{}, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	r := c.b.feels
	r.At, r.Health = time.Now().UTC(), cmp.Or(r.Health, bmc.OK)
	r.Ills = slices.Clone(r.Ills)
	if r.Sensors = slices.Clone(r.Sensors); r.Sensors == nil {
		r.Sensors = []bmc.Sensor{{Name: "Inlet Temp", Kind: "temperature", Value: 22, Unit: "Cel", Health: bmc.OK, High: 42}}
	}
	return r, nil
}

// Happen writes an entry into the log and announces it. Id, log and time are given to it
// where it has none.
func (b *BMC) Happen(e bmc.Entry) {
	b.mu.Lock()
	b.happened++
	e.ID, e.Log = cmp.Or(e.ID, strconv.Itoa(b.happened)), cmp.Or(e.Log, "SEL")
	if e.At.IsZero() {
		e.At = time.Now().UTC()
	}
	b.entries = append(b.entries, e)
	listeners := slices.Clone(b.listeners)
	b.mu.Unlock()
	for _, l := range listeners {
		select {
		case l.heard <- e:
		case <-l.gone:
		}
	}
}

func (c *controller) Log(ctx context.Context, limit int) ([]bmc.Entry, error) {
	if err := c.called(ctx, Log); err != nil {
		return nil, err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	out := slices.Clone(c.b.entries)
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b bmc.Entry) int { return b.At.Compare(a.At) })
	return out[:max(0, min(len(out), limit))], nil
}

func (c *controller) ClearLog(ctx context.Context) error {
	if err := c.called(ctx, ClearLog); err != nil {
		return err
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.entries = nil
	return nil
}
