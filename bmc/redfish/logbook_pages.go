package redfish

import (
	"context"

	"rackwright/bmc"
)

// maxPages is how many pages of one log are turned where the BMC can neither skip nor
// gives the newest first.
const maxPages = 60

// newest reads the newest entries of one log, newest first. Which end of the log its first
// page shows no specification says: iDRAC begins with the newest, OpenBMC and iLO with the
// oldest.
func (c *Controller) newest(ctx context.Context, l *logService, limit int) ([]bmc.Entry, error) {
	p, err := c.expanded(ctx, l.Entries.URI)
	if err != nil {
		return nil, err
	}
	if p.bare() && p.next() == "" {
		return c.newestOfLinks(ctx, l, p, limit)
	}
	got, err := c.entriesOf(ctx, l, p)
	if err != nil {
		return nil, err
	}
	if p.next() != "" {
		if got, err = c.turn(ctx, l, p, got, limit); err != nil {
			return nil, err
		}
	}
	got = newestFirst(got)
	return got[:min(len(got), limit)], nil
}

// turn reads the other pages of a log as far as they hold the newest entries: none behind
// the limit when the newest come first; those at the end when the BMC can skip; else all,
// of which the last are kept.
func (c *Controller) turn(ctx context.Context, l *logService, p *collection, got []bmc.Entry, limit int) ([]bmc.Entry, error) {
	falls := !rising(got)
	if count := number(p.Count); !falls && count > len(got) {
		if at := c.queries.from(l.Entries.URI, max(0, count-limit), limit); at != "" {
			if end, err := get[collection](c.under(ctx), at); err == nil && len(end.Members) > 0 {
				p, got = end, nil
				if got, err = c.entriesOf(ctx, l, end); err != nil {
					return nil, err
				}
			}
		}
	}
	for pages := 1; pages < maxPages && p.next() != ""; pages++ {
		if falls && len(got) >= limit {
			break
		}
		var err error
		if p, err = get[collection](c.under(ctx), p.next()); err != nil {
			return got, c.cut(ctx, got, err)
		}
		more, err := c.entriesOf(ctx, l, p)
		if err != nil {
			return got, c.cut(ctx, got, err)
		}
		if got = append(got, more...); !falls && len(got) > 2*limit {
			got = append([]bmc.Entry(nil), got[len(got)-limit:]...)
		}
	}
	return got, nil
}

// cut forgives a page that cannot be read when there are others.
func (c *Controller) cut(ctx context.Context, got []bmc.Entry, err error) error {
	if len(got) == 0 || ctx.Err() != nil || c.wire.shut() {
		return err
	}
	c.log.Debug("bmc log cut short", "err", c.explain("read a log", err))
	return nil
}

// newestOfLinks reads the entries that a page of bare links leads to, from the newer end.
func (c *Controller) newestOfLinks(ctx context.Context, l *logService, p *collection, limit int) ([]bmc.Entry, error) {
	ends := &collection{Members: p.Members[:1]}
	if n := len(p.Members); n > 1 {
		ends.Members = append(ends.Members[:1:1], p.Members[n-1])
	}
	both, err := c.entriesOf(ctx, l, ends)
	if err != nil {
		return nil, err
	}
	members := p.Members[:min(len(p.Members), limit)]
	if rising(both) {
		members = p.Members[max(0, len(p.Members)-limit):]
	}
	got, err := c.entriesOf(ctx, l, &collection{Members: members})
	return newestFirst(got), err
}

// entriesOf makes a page's members entries. It keeps those before one that cannot be read.
func (c *Controller) entriesOf(ctx context.Context, l *logService, p *collection) ([]bmc.Entry, error) {
	all, err := resolve[logEntry](c.under(ctx), p, max(maxEntries, len(p.Members)))
	out := make([]bmc.Entry, 0, len(all))
	for i := range all {
		out = append(out, c.entry(l.name, &all[i]))
	}
	if err != nil && len(out) > 0 {
		err = c.cut(ctx, out, err)
	}
	return out, err
}
