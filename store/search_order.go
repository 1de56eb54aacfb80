package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rackwright/fault"
)

// machineOrder is a way to sort machines by something else than their names. The last key is
// the id; an index has the machines of each of its lanes in their order.
type machineOrder struct {
	lanes  []orderLane
	times  int // the first so many keys are times
	number int // which key is a whole number; 0: none
}

// orderLane is some machines in an order.
type orderLane struct {
	walk, beside string // tables, to walk along the order and beside rare machines
	where        string
	keys         []string
	fixed        int // so many of the first keys are the same and empty for all
}

// allBy is all machines, by keys of their own.
func allBy(keys ...string) []orderLane {
	return []orderLane{{walk: "machine m", beside: "machine m", where: "1 = 1", keys: keys}}
}

// machineOrders are the orders besides that of the names. Those that stand in no rack are
// before those of the first.
func machineOrders() map[string]machineOrder {
	return map[string]machineOrder{
		"created_at": {lanes: allBy("m.created_at", "m.id"), times: 1},
		"updated_at": {lanes: allBy("m.updated_at", "m.id"), times: 1},
		"phase":      {lanes: allBy("m.phase", "m.name", "m.id")},
		"rack": {lanes: []orderLane{
			{walk: "rack r CROSS JOIN machine m", beside: "machine m CROSS JOIN rack r", where: "m.rack_id = r.id", keys: []string{"r.name", "m.u", "m.name", "m.id"}},
			{walk: "machine m", beside: "machine m", where: "m.rack_id IS NULL", keys: []string{"''", "0", "m.name", "m.id"}, fixed: 2},
		}, number: 1},
	}
}

// keyBorder stands between the keys of a place; it is in no name.
const keyBorder = "\x1f"

// read takes the place apart that a page begins behind; nil is the beginning.
func (o machineOrder) read(after string) ([]any, error) {
	if after == "" {
		return nil, nil
	}
	wrong := fault.Invalidf("the place in the list is of another order").WithHint("begin at the first page")
	texts := strings.Split(after, keyBorder)
	if len(texts) != len(o.lanes[0].keys) || !isID(texts[len(texts)-1]) {
		return nil, wrong
	}
	out := make([]any, len(texts))
	for i, text := range texts {
		var err error
		switch out[i] = text; {
		case i < o.times:
			out[i], err = time.Parse(time.RFC3339Nano, text)
		case o.number > 0 && i == o.number:
			out[i], err = strconv.ParseInt(text, 10, 32)
		}
		if err != nil {
			return nil, wrong
		}
	}
	return out, nil
}

// hit reads a machine and its place.
func (o machineOrder) hit(scan func(...any) error) (h hit, err error) {
	n := len(o.lanes[0].keys)
	to, texts, times := []any{asText{&h.id}}, make([]string, n), make([]time.Time, n)
	for i := range n {
		if i < o.times {
			to = append(to, asTime{&times[i]})
		} else if i < n-1 {
			to = append(to, &texts[i])
		} else {
			to = append(to, asText{&texts[i]})
		}
	}
	if err = scan(to...); err != nil {
		return h, err
	}
	for i := range o.times {
		texts[i] = times[i].UTC().Format(time.RFC3339Nano)
	}
	h.at = strings.Join(texts, keyBorder)
	return h, nil
}

// ordered finds a page of machines in an order: of a rare condition by sorting those that
// meet it, else along the order, at no more than stride machines of it when there are
// conditions.
func (s *search) ordered(ctx context.Context, q queryer, o machineOrder) (found []hit, until string, err error) {
	after, err := o.read(s.f.After)
	if err != nil {
		return nil, "", err
	}
	var by query
	if len(s.conds) == 0 {
		text := s.lanes(&by, o, after, s.most(), func(l orderLane) string { return l.walk + " WHERE " + l.where })
		found, err = collect(ctx, q, o.hit, text, by.args...)
		return found, "", err
	}
	best, n, err := s.rarest(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if n <= few {
		text := s.rare(&by, best) + s.lanes(&by, o, after, s.most(), func(l orderLane) string {
			return "rare CROSS JOIN " + l.beside + " WHERE m.id = rare.id AND " + l.where + s.probes(&by, best)
		})
		found, err = collect(ctx, q, o.hit, text, by.args...)
		return found, "", err
	}
	for _, far := range []int{min(8*s.most(), stride), stride} { // what many meet fills a page soon
		if found, until, err = s.near(ctx, q, o, after, far); err != nil || until == "" || len(found) == s.most() {
			break
		}
	}
	return found, until, err
}

// near finds a page among the next so many machines of an order; until is the place of the
// last of them, empty at the end.
func (s *search) near(ctx context.Context, q queryer, o machineOrder, after []any, far int) (found []hit, until string, err error) {
	var by query
	near := s.lanes(&by, o, after, far, func(l orderLane) string { return l.walk + " WHERE " + l.where })
	end, err := collect(ctx, q, o.hit, "SELECT * FROM ("+near+fmt.Sprintf(") x LIMIT 1 OFFSET %d", far-1), by.args...)
	if err != nil {
		return nil, "", err
	}
	if len(end) > 0 {
		until = end[0].at
	}
	text := "WITH near AS MATERIALIZED (" + near + ") SELECT near.* FROM near CROSS JOIN machine m WHERE m.id = near.id" + s.probes(&by, -1) + s.by(o, s.most())
	found, err = collect(ctx, q, o.hit, text, by.args...)
	return found, until, err
}

// lanes reads from behind a place the first so many of all lanes.
func (s *search) lanes(by *query, o machineOrder, after []any, limit int, from func(orderLane) string) string {
	var parts []string
	for _, l := range o.lanes {
		if l.passed(after, s.f.Turned) {
			continue
		}
		text := "SELECT m.id AS id"
		for k, key := range l.keys {
			text += fmt.Sprintf(", %s AS k%d", key, k)
		}
		text += " FROM " + from(l) + s.past(by, l, after) + s.by(o, limit)
		parts = append(parts, fmt.Sprintf("SELECT * FROM (%s) p%d", text, len(parts)))
	}
	return strings.Join(parts, " UNION ALL ") + s.by(o, limit)
}

// passed reports whether all of a lane is before a place.
func (l orderLane) passed(after []any, turned bool) bool {
	return l.fixed > 0 && after != nil && after[0] != "" && !turned
}

// past is that machines of a lane come behind a place. Of two tables an index is told where
// to begin.
func (s *search) past(by *query, l orderLane, after []any) string {
	if after == nil || l.fixed > 0 && after[0] != "" {
		return ""
	}
	than := ">"
	if s.f.Turned {
		than = "<"
	}
	marks := strings.Repeat(", %s", len(l.keys)-l.fixed)[2:]
	text := by.fill(" AND ("+strings.Join(l.keys[l.fixed:], ", ")+") "+than+" ("+marks+")", after[l.fixed:]...)
	if strings.Contains(l.walk, "JOIN") {
		text += by.fill(" AND "+l.keys[0]+" "+than+"= %s", after[0])
	}
	return text
}

// by is the order of the keys, and how many are read.
func (s *search) by(o machineOrder, limit int) string {
	names := make([]string, len(o.lanes[0].keys))
	for k := range names {
		names[k] = fmt.Sprintf("k%d%s", k, s.way())
	}
	return fmt.Sprintf(" ORDER BY %s LIMIT %d", strings.Join(names, ", "), limit)
}
