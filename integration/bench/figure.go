package main

import (
	"cmp"
	"slices"
	"strings"
)

// better says which way a figure should go.
type better uint8

const (
	lower better = iota
	higher
)

// row is one figure of the table: what it is called, in which unit, and what is asked of
// it. The name up to its first dot is the group that measures it.
type row struct {
	name   string
	unit   string
	better better
	peer   string  // whom it is measured beside; "" for nobody
	goal   float64 // 0: none. With a peer it is about the ratio, without one about the value
}

// group is the part of the name that ONLY selects by.
func (r row) group() string {
	g, _, _ := strings.Cut(r.name, ".")
	return g
}

// Figure is one line of bench.jsonl.
type Figure struct {
	Name      string   `json:"name"`
	Value     float64  `json:"value"`
	Unit      string   `json:"unit"`
	Peer      string   `json:"peer,omitempty"`
	PeerValue *float64 `json:"peer_value,omitempty"`
	Ratio     *float64 `json:"ratio,omitempty"` // Value / PeerValue
	Goal      *float64 `json:"goal,omitempty"`
	OK        bool     `json:"ok"` // the goal is met, or there is none
}

// figure judges what was measured.
func (r row) figure(m reading) Figure {
	f := Figure{Name: r.name, Value: m.value, Unit: r.unit, OK: true}
	judged := m.value
	if r.peer != "" {
		ratio := m.value / m.peer
		f.Peer, f.PeerValue, f.Ratio = r.peer, &m.peer, &ratio
		judged = ratio
	}
	if r.goal != 0 {
		f.Goal = &r.goal
		f.OK = judged <= r.goal
		if r.better == higher {
			f.OK = judged >= r.goal
		}
	}
	return f
}

// middle is the median of some, an upper one of the two of an even number.
func middle[N cmp.Ordered](all []N) N { return slices.Sorted(slices.Values(all))[len(all)/2] }
