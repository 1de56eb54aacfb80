package bmctest

import (
	"context"
	"slices"
	"testing"
	"time"

	"rackwright/bmc"
)

// mostEntries is how many entries of a log the suite looks at.
const mostEntries = 50

func (s suite) log(t *testing.T) {
	c := s.dial(t)
	all, err := c.Log(s.context(t), mostEntries)
	s.may(t, Logs, err)
	if len(all) > mostEntries {
		t.Errorf("%d entries, %d asked for", len(all), mostEntries)
	}
	type key struct{ log, id string }
	seen := map[key]bool{}
	var newer time.Time
	for _, e := range all {
		if e.ID == "" || seen[key{e.Log, e.ID}] {
			t.Errorf("entry %+v without an id of its own", e)
		}
		seen[key{e.Log, e.ID}] = true
		if !newer.IsZero() && e.At.After(newer) {
			t.Errorf("entry %+v is newer than the one before, of %s", e, newer)
		}
		newer = e.At
	}
	one, err := c.Log(s.context(t), 1)
	ok(t, "Log of one", err)
	if len(one) > 1 {
		t.Errorf("%d entries, one asked for", len(one))
	}
}

func (s suite) logged(t *testing.T) {
	if s.hooks.Happen == nil {
		t.Skip("nothing can be made to happen")
	}
	c := s.dial(t)
	before, err := c.Log(s.context(t), mostEntries)
	s.may(t, Logs, err)
	s.hooks.Happen()
	s.wait(t, "the log has a new entry", func(ctx context.Context) bool {
		now, err := c.Log(ctx, mostEntries)
		return err == nil && slices.ContainsFunc(now, func(e bmc.Entry) bool { return !slices.Contains(before, e) })
	})
}

func (s suite) clearLog(t *testing.T) {
	c := s.dial(t)
	before, err := c.Log(s.context(t), mostEntries)
	s.may(t, Logs, err)
	s.may(t, LogClears, c.ClearLog(s.context(t)))
	now, err := c.Log(s.context(t), mostEntries)
	ok(t, "Log", err)
	if len(before) > 1 && len(now) >= len(before) && slices.Equal(before, now) {
		t.Errorf("%d entries are as they were", len(now))
	}
	ok(t, "ClearLog again", c.ClearLog(s.context(t)))
}
