package current_test

import (
	"context"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/boot/current"
	"rackwright/inventory"
)

// savedAt is a view of installation "here" as it is read from a file: without operations.
func savedAt(revision int64) *boot.View {
	h := host(revision)
	h.Intent, h.Operation = boot.LocalDisk, ""
	return boot.NewView(revision, nil, []*boot.Host{h}).With(&boot.Delta{Revision: revision, Installation: "here"})
}

func TestAStartBeginsWithTheSavedViewWhereTheDatabaseCanTellWhatChangedSince(t *testing.T) {
	for name, c := range map[string]struct {
		saved int64
		set   func(*source)
		whole int // views read before anybody is answered
	}{
		"nothing changed":                 {7, func(*source) {}, 0},
		"something did":                   {5, func(*source) {}, 0},
		"it forgot what":                  {5, func(s *source) { s.forgets = true }, 1},
		"it is another one":               {7, func(s *source) { s.id = "there" }, 1},
		"it does not say which one it is": {7, func(s *source) { s.id = "" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSource()
			s.id = "here"
			s.set(7, false)
			c.set(s)
			f := follow(t, s, current.Options{Saved: savedAt(c.saved)})
			if s.whole != c.whole {
				t.Errorf("%d views were read whole", s.whole)
			}
			is(t, f, 7)
		})
	}
}

func TestOrdersAreWaitedForWhileTheWholeIsRead(t *testing.T) {
	s := newSource()
	s.id = "here"
	f := follow(t, s, current.Options{Saved: savedAt(1), Poll: time.Hour, Fresh: time.Nanosecond})
	if h := f.View().Host(inventory.MAC{2, 1}); h == nil {
		t.Fatal("the machine has no address yet")
	}
	got := make(chan *boot.View)
	go func() { got <- f.Newest(t.Context()) }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go f.Run(ctx)
	if h := (<-got).Host(inventory.MAC{2, 1}); h.Intent != boot.RunAgent || h.Operation != "op" {
		t.Errorf("the machine is told %+v, and its operation waits", h)
	}
	<-f.Ready()
	if s.whole != 1 {
		t.Errorf("%d views were read whole", s.whole)
	}
}
