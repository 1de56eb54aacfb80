package redfish

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	agentwire "rackwright/agent/wire"
	"rackwright/bmc"
	"rackwright/fault"
)

const (
	maxLogs     = 8    // logs of one BMC that are read
	maxEntries  = 1000 // entries one call returns
	maxLogReads = 500  // requests of one call: logs with an entry a request exist
)

// logService is what we use of the LogService schema, with the name we give it.
type logService struct {
	resource
	ServiceEnabled *bool
	Entries        link
	Actions        struct {
		Clear action `json:"#LogService.ClearLog"`
	}
	name string
}

// Log reads the newest entries of the system's and the manager's logs, newest first: by
// the time that stands in them, and within a log by its own order. At most 1000. A log
// that cannot be read is left out as long as another can.
func (c *Controller) Log(ctx context.Context, limit int) ([]bmc.Entry, error) {
	limit = min(limit, maxEntries)
	if limit <= 0 {
		return nil, nil
	}
	ctx = withBudget(ctx, maxLogReads)
	logs, err := c.logs(ctx)
	if err != nil {
		return nil, c.explain("list the logs", err)
	}
	if len(logs) == 0 {
		return nil, c.noLog("keeps no event log")
	}
	var all [][]bmc.Entry
	for _, l := range logs {
		entries, readErr := c.newest(ctx, l, limit)
		if readErr != nil {
			if err = readErr; ctx.Err() != nil || c.wire.shut() {
				break
			}
			c.log.Debug("bmc log left out", "log", l.name, "err", c.explain("read a log", err))
			continue
		}
		all = append(all, entries)
	}
	if err != nil && (len(all) == 0 || ctx.Err() != nil || c.wire.shut()) {
		return nil, c.explain("read the log", err)
	}
	return merge(all, limit), nil
}

func (c *Controller) noLog(says string) error {
	return fault.Invalidf("BMC %s %s over Redfish", c.access.Address, says).
		WithHint("look at the BMC's own pages; a newer BMC firmware may have it")
}

// logs lists the event logs that are switched on. Two of one id, like Log1 of a system and
// Log1 of its manager, get names of their own.
func (c *Controller) logs(ctx context.Context) ([]*logService, error) {
	host, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	var out []*logService
	take := func(at link, prefix string) {
		found, listErr := c.logsAt(ctx, at)
		if listErr != nil {
			err = listErr
		}
		for i := range found {
			l := &found[i]
			same := func(o *logService) bool { return sameURI(o.ODataID, l.ODataID) }
			if slices.ContainsFunc(out, same) || len(out) == maxLogs {
				continue
			}
			l.name = tidy(l.ID)
			if slices.ContainsFunc(out, func(o *logService) bool { return o.name == l.name }) {
				l.name = prefix + l.name
			}
			out = append(out, l)
		}
	}
	take(host.LogServices, "")
	if c.manager != "" {
		boss, readErr := get[manager](c.under(ctx), c.manager)
		if readErr != nil {
			err = readErr
		} else {
			take(boss.LogServices, "Manager.")
		}
	}
	if len(out) == 0 {
		return nil, err
	}
	return out, nil
}

func (c *Controller) logsAt(ctx context.Context, at link) ([]logService, error) {
	if at.URI == "" {
		return nil, nil
	}
	list, err := get[collection](c.under(ctx), at.URI)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list.Members = slices.DeleteFunc(list.Members, func(m json.RawMessage) bool { return noisyLog(lastOf(odataID(m))) })
	all, err := resolve[logService](c.under(ctx), list, 2*maxLogs)
	return slices.DeleteFunc(all, func(l logService) bool {
		return l.Entries.URI == "" || l.ServiceEnabled != nil && !*l.ServiceEnabled
	}), err
}

// logEntry is what we use of the LogEntry schema.
type logEntry struct {
	resource
	Created, EventTimestamp string
	Severity, MessageID     string
	Message, EntryCode      string
	SensorType              string
}

func (c *Controller) entry(log string, l *logEntry) bmc.Entry {
	e := bmc.Entry{ID: tidy(l.ID), Log: log, At: timeOf(l.Created), Severity: healthOf(l.Severity),
		Code: tidy(l.MessageID), Message: c.said(l.Message)}
	if e.At.IsZero() {
		e.At = timeOf(l.EventTimestamp)
	}
	if e.Message == "" { // a SEL entry that is a sensor's: only codes
		e.Message = c.said(strings.TrimSpace(l.SensorType + " " + l.EntryCode))
	}
	if e.Message == "" {
		e.Message = first(l.Name, l.MessageID)
	}
	if words, ok := agentwire.ReadLogText(e.Message); ok { // a record of the agent's own
		e.Message = words
	}
	return e
}

// merge puts logs into one list, newest first. An entry without a time stands where it
// stands in its log: behind the next newer one that has a time. What two logs say of one
// event in the same words is one entry; iDRAC shows its SEL twice.
func merge(logs [][]bmc.Entry, limit int) []bmc.Entry {
	type placed struct {
		bmc.Entry
		at time.Time
	}
	var all []placed
	seen := map[bmc.Entry]bool{}
	for _, entries := range logs {
		var newer time.Time
		for _, e := range entries {
			if !e.At.IsZero() {
				newer = e.At
			}
			same := e
			same.Log = strings.TrimPrefix(e.Log, "Manager.")
			if !seen[same] {
				seen[same] = true
				all = append(all, placed{e, newer})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return b.at.Compare(a.at) })
	out := make([]bmc.Entry, 0, min(len(all), limit))
	for _, p := range all[:min(len(all), limit)] {
		out = append(out, p.Entry)
	}
	return out
}

// newestFirst orders a log's entries: by their time where it tells, else by their number,
// else as a SEL is written, oldest first. Ids that occur twice are told apart.
func newestFirst(entries []bmc.Entry) []bmc.Entry {
	if rising(entries) {
		slices.Reverse(entries)
	}
	count := map[string]int{}
	for i := range entries {
		e := &entries[i]
		if count[e.ID]++; e.ID == "" || count[e.ID] > 1 {
			e.ID = strings.TrimPrefix(e.ID+"@"+e.At.UTC().Format(time.RFC3339)+"#"+strconv.Itoa(count[e.ID]), "@")
		}
	}
	return entries
}

// rising reports whether entries stand oldest first.
func rising(entries []bmc.Entry) bool {
	if len(entries) < 2 {
		return false
	}
	a, b := entries[0], entries[len(entries)-1]
	if !a.At.IsZero() && !b.At.IsZero() && !a.At.Equal(b.At) {
		return a.At.Before(b.At)
	}
	n, isNumber := trailingNumber(a.ID)
	m, too := trailingNumber(b.ID)
	if isNumber && too && n != m {
		return cmp.Less(n, m)
	}
	return true
}
