// Package burn works a machine hard for a chosen time (processors, memory, disks, network
// ports) and tells what it measured and what went wrong. It does not judge: what a figure
// means is seen beside those of other machines.
package burn

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// World is what a burn-in works on and looks at.
type World struct {
	Root   string // of the machine's file system: "/" or a copy made for a test
	CPUs   int
	Now    func() time.Time
	Facts  func() inventory.Facts                                      // reads the machine now
	Memory func(bytes int) (Memory, error)                             // memory that is really there
	Read   func(path string) (Source, error)                           // a disk, for reading around the page cache
	Write  func(ctx context.Context, d inventory.Disk) (Medium, error) // a disk of the permit; nil, nil: it is in no permit
	Reach  func(port string) bool                                      // the port has an address from which the peer is reached
	Peer   Peer                                                        // nil: none
	Pause  func(ctx context.Context, d time.Duration) error            // the clock
}

// Memory is a part of the machine's memory, whole pages.
type Memory struct {
	Bytes    []byte
	Release  func()
	Physical func(offset int) (uint64, bool) // address of a byte on the bus, where it is known
}

// Source is an opened disk. Offsets, lengths and the addresses of buffers are multiples of
// direct.Align.
type Source interface {
	io.ReaderAt
	io.Closer
}

// Medium is a disk opened for writing.
type Medium interface {
	Source
	io.WriterAt
	Flush() error
}

// Peer is the other end of the network test. A peer that serves others is Conflict.
type Peer interface {
	Receive(ctx context.Context, port string, bytes int64) error
	Send(ctx context.Context, port string, bytes int64) error
}

// test is one kind of work, done a slice of time after another.
type test interface {
	// work works until ctx ends; false: there is nothing to work.
	work(ctx context.Context) bool
	figures() []wire.BurnFact // so far; at any time
	close()
}

// Slices of time. The first round is short, so that everything is touched early; longer
// slices heat the machine through.
const (
	firstSlice   = 2 * time.Second
	longestSlice = 5 * time.Minute
	leastSlice   = 250 * time.Millisecond
	reportEvery  = 2 * time.Second
)

// Run works what is left of an order. report is told what is found so far, every two
// seconds. Errors are faults, and mean that the work cannot be done; what is wrong with the
// machine is in what is returned.
func Run(ctx context.Context, w World, o wire.BurnOrder, report func(wire.Burned)) (wire.Burned, error) {
	r := &run{World: w, order: o, found: &findings{}, report: report}
	tests, err := r.tests(ctx)
	if err != nil {
		return wire.Burned{}, err
	}
	r.kinds = kindsOf(w.Facts())
	r.watch = newWatch(w.Root, w.Facts, r.found)
	r.watch.begin(o.Done > 0)
	defer func() {
		for _, t := range tests {
			t.close()
		}
	}()
	r.all = tests
	if err := r.rounds(ctx, tests); err != nil {
		return wire.Burned{}, err
	}
	r.watch.end()
	return r.burned(), nil
}

// run is a burn-in in motion.
type run struct {
	World
	order  wire.BurnOrder
	found  *findings
	watch  *watch
	kinds  map[string]string // what the whole machine's figures are alike by, by test
	all    []test
	worked clock
	report func(wire.Burned)
}

// tests makes and opens the tests of the order.
func (r *run) tests(ctx context.Context) ([]test, error) {
	known := map[string]func() test{
		"cpu":     func() test { return newCPU(r.CPUs, kernels(), r.found, r.Now) },
		"memory":  func() test { return newMemory(r.World, r.found) },
		"disk":    func() test { return newDisks(ctx, r.World, r.order.Write, r.found) },
		"network": func() test { return newNetwork(r.World, r.found) },
	}
	var out []test
	for _, name := range r.order.Tests {
		if known[name] == nil {
			return nil, fault.Invalidf("this agent knows no test %q", name).WithHint("build the ramdisk again from the server's release")
		}
	}
	for _, name := range r.order.Tests { // none is opened before all are known
		out = append(out, known[name]())
	}
	return out, nil
}

// rounds interleaves the tests until the time is over. One that has nothing to work gives
// its time to the others.
func (r *run) rounds(ctx context.Context, tests []test) error {
	total := time.Duration(r.order.Seconds-r.order.Done) * time.Second
	tests = slices.Clone(tests)
	for slice := firstSlice; r.worked.sum() < total; slice = min(2*slice, longestSlice) {
		for i := 0; i < len(tests) && r.worked.sum() < total; i++ {
			left := total - r.worked.sum()
			d := min(left, max(leastSlice, min(slice, left/time.Duration(len(tests)-i))))
			if !r.slice(ctx, tests[i], d) {
				tests = slices.Delete(tests, i, i+1)
				i--
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if len(tests) == 0 {
			return fault.Conflictf("there is nothing on this machine that the tests %v could work", r.order.Tests).WithHint("choose other tests")
		}
	}
	return nil
}

// slice gives a test some time and reports meanwhile.
func (r *run) slice(ctx context.Context, t test, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	r.worked.start(r.Now())
	told := make(chan struct{})
	go func() {
		defer close(told)
		for r.Pause(ctx, reportEvery) == nil {
			r.worked.tick(r.Now())
			r.watch.look()
			r.report(r.burned())
		}
	}()
	some := t.work(ctx)
	cancel()
	<-told
	r.worked.tick(r.Now())
	r.watch.look()
	r.report(r.burned())
	return some
}

// burned is what was found so far.
func (r *run) burned() wire.Burned {
	b := wire.Burned{Seconds: int((r.worked.sum() + 500*time.Millisecond) / time.Second), Figures: []wire.BurnFact{}}
	for _, t := range r.all {
		b.Figures = append(b.Figures, t.figures()...)
	}
	b.Figures = append(b.Figures, r.watch.figures()...)
	b.Figures = b.Figures[:min(len(b.Figures), wire.MaxBurnFigures)]
	for i := range b.Figures {
		if f := &b.Figures[i]; f.Of == "" {
			f.Of = r.kinds[f.Test]
		}
	}
	b.Errors, b.Notes = r.found.told()
	return b
}

// kindsOf are the processors and the memory modules of a machine: those with others are
// not expected to be as fast.
func kindsOf(f inventory.Facts) map[string]string {
	cpu, memory := "", fmt.Sprintf("%d modules", len(f.DIMMs))
	if len(f.CPUs) > 0 {
		cpu = fmt.Sprintf("%d x %s", len(f.CPUs), f.CPUs[0].Model)
	}
	if len(f.DIMMs) > 0 {
		memory += fmt.Sprintf(" of %d MiB at %d MT/s", f.DIMMs[0].SizeMiB, f.DIMMs[0].SpeedMTs)
	}
	return map[string]string{"cpu": cpu, "memory": cpu + ", " + memory}
}
