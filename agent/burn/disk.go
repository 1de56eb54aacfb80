package burn

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"rackwright/agent/wire"
	"rackwright/inventory"
)

// disks reads every disk, all at once, linearly and in random order, and writes those of
// the permit when that was ordered.
type disks struct {
	World
	found *findings
	write bool
	list  []*surface
}

func newDisks(ctx context.Context, w World, write bool, found *findings) *disks {
	t := &disks{World: w, write: write, found: found}
	t.open(ctx)
	return t
}

// stuck is how long a disk may take over its slice of time before it is left alone: a
// kernel gives up on a disk after some 30 seconds and a few resets.
const stuck = 3 * time.Minute

func (t *disks) work(ctx context.Context) bool {
	var busy []*surface
	var all sync.WaitGroup
	for _, s := range t.list {
		if s.busy.Load() {
			continue
		}
		busy = append(busy, s)
		s.busy.Store(true)
		all.Go(func() {
			defer s.busy.Store(false)
			s.slice(ctx)
		})
	}
	t.await(ctx, &all, busy)
	return len(busy) > 0
}

// await waits for the disks at work, but not for one that answers no more.
func (t *disks) await(ctx context.Context, all *sync.WaitGroup, busy []*surface) {
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	late := make(chan struct{})
	go func() {
		defer close(late)
		_ = t.Pause(waiting, stuck) // either way it is over
	}()
	select {
	case <-ended:
	case <-late:
		for _, s := range busy {
			if s.busy.Load() {
				t.found.wrong("stuck "+s.name, "disk %s has not answered for %s; it is left alone", s.name, stuck)
			}
		}
	}
}

// open opens every disk once.
func (t *disks) open(ctx context.Context) {
	seen := t.Facts().Disks
	if len(seen) == 0 {
		t.found.note("disks", "disks were not tested: there are none")
	}
	for _, d := range seen {
		if d.Bytes < readBlock {
			continue
		}
		name := diskName(d)
		s := &surface{name: name, model: d.Model, blocks: d.Bytes / readBlock, found: t.found, now: t.Now}
		err := t.mount(ctx, s, d)
		if err != nil {
			t.found.wrong("open "+name, "disk %s (%s) was not tested: %v", name, d.Path, err)
			continue
		}
		t.list = append(t.list, s)
	}
}

// mount opens a disk for writing when it may be written, else for reading.
func (t *disks) mount(ctx context.Context, s *surface, d inventory.Disk) error {
	if t.write && t.Write != nil && !d.ReadOnly {
		m, err := t.Write(ctx, d)
		if err != nil {
			return err
		}
		if m != nil {
			s.from, s.to = m, m
			return nil
		}
	}
	var err error
	s.from, err = t.Read(d.Path)
	return err
}

func (t *disks) figures() (out []wire.BurnFact) {
	for _, s := range t.list {
		out = append(out, s.figures()...)
	}
	return out
}

func (t *disks) close() {
	for _, s := range t.list {
		if s.busy.Load() {
			continue // it may never answer
		}
		if s.to != nil {
			if err := s.to.Flush(); err != nil {
				t.found.wrong("flush "+s.name, "disk %s: its write cache cannot be emptied: %v", s.name, err)
			}
		}
		_ = s.from.Close() // all that counts was read
	}
}

// surface is a disk as blocks.
type surface struct {
	name, model string
	from        Source
	to          Medium // nil: it is not written
	blocks      int64
	found       *findings
	now         func() time.Time
	busy        atomic.Bool

	mu             sync.Mutex
	linear, random rate
	written        rate
	at, turn       int64 // next block in order, and in random order
	pass           uint64
	slow, failed   int64
	wrong          int64
	usual          time.Duration // of one read
	reads          int64
}

// rate is bytes and the time they took.
type rate struct {
	bytes int64
	spent time.Duration
}

func (r *rate) add(bytes int64, spent time.Duration) { r.bytes, r.spent = r.bytes+bytes, r.spent+spent }

func (r rate) fact(s *surface, name string) wire.BurnFact {
	return wire.BurnFact{Test: "disk", Part: s.name, Of: s.model, Name: name, Value: perSecond(float64(r.bytes)/(1<<20), r.spent), Unit: "MiB/s", Fold: wire.FoldMean, Better: "more"}
}

func (s *surface) figures() []wire.BurnFact {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []wire.BurnFact
	for _, r := range []struct {
		name string
		rate
	}{{"read_linear", s.linear}, {"read_random", s.random}, {"write", s.written}} {
		if r.bytes > 0 {
			out = append(out, r.fact(s, r.name))
		}
	}
	count := func(name string, n int64, unit string) {
		out = append(out, wire.BurnFact{Test: "disk", Part: s.name, Of: s.model, Name: name, Value: float64(n), Unit: unit, Fold: wire.FoldSum})
	}
	count("read", 100*s.linear.bytes/(s.blocks*readBlock), "% of it")
	count("slow_spots", s.slow, "")
	if s.failed > 0 {
		count("failed", s.failed, "accesses")
	}
	if s.to != nil {
		count("wrong_blocks", s.wrong, "")
	}
	return out
}
