package intake

import (
	"runtime"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
)

func TestASightingIsWeighedAgainOnlyWhenItOrItsMachineIsAnother(t *testing.T) {
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	h := &boot.Host{Machine: "one", Name: "n1"}
	s := boot.Sighting{At: noon, MAC: inventory.MAC{2, 0, 0, 0, 0, 1}, UUID: "u", Circuit: "leaf-1/3"}
	m := newMemo()
	if !m.news("one", h, s) {
		t.Fatal("the first is no news")
	}
	m.remember("one", h, s)
	changed := func(change func(*boot.Sighting)) boot.Sighting { x := s; change(&x); return x }
	same := *h
	for what, c := range map[string]struct {
		host *boot.Host
		s    boot.Sighting
		news bool
	}{
		"the same":                {h, changed(func(x *boot.Sighting) { x.At = noon.Add(time.Minute) }), false},
		"from elsewhere":          {h, changed(func(x *boot.Sighting) { x.Source = "http" }), false},
		"another port":            {h, changed(func(x *boot.Sighting) { x.Circuit = "leaf-1/4" }), true},
		"another MAC":             {h, changed(func(x *boot.Sighting) { x.MAC[5]++ }), true},
		"another UUID":            {h, changed(func(x *boot.Sighting) { x.UUID = "v" }), true},
		"the machine was changed": {&same, s, true},
		"it left the view":        {nil, s, true},
		"long after":              {h, changed(func(x *boot.Sighting) { x.At = noon.Add(weighAgain) }), true},
	} {
		if got := m.news("one", c.host, c.s); got != c.news {
			t.Errorf("%s: news %v", what, got)
		}
	}
	runtime.KeepAlive(h)
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	m := newMemo()
	for i := range remembered + 10 {
		m.remember(inventory.MAC{0, 0, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}.String(), nil, boot.Sighting{})
	}
	if len(m.last) > remembered || len(m.last) == 0 {
		t.Errorf("%d are remembered", len(m.last))
	}
}
