package burn

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/agent/wire"
)

// cpu keeps every core at work on arithmetic whose results are known.
type cpu struct {
	kernels []kernel
	found   *findings
	now     func() time.Time
	worked  clock
	cores   []core
}

// core is what one did so far.
type core struct {
	next        int // kernel
	sums, wrong atomic.Int64
}

func newCPU(n int, kernels []kernel, found *findings, now func() time.Time) *cpu {
	return &cpu{kernels: kernels, found: found, now: now, cores: make([]core, max(n, 1))}
}

func (c *cpu) work(ctx context.Context) bool {
	c.worked.start(c.now())
	var all sync.WaitGroup
	for i := range c.cores {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			defer pin(i)()
			for ctx.Err() == nil {
				c.sum(i)
			}
		})
	}
	all.Wait()
	c.worked.tick(c.now())
	return true
}

// pin keeps this thread on a core, where the kernel lets it; the returned function undoes
// that.
func pin(core int) func() {
	var was, only unix.CPUSet
	if unix.SchedGetaffinity(0, &was) != nil {
		return func() {}
	}
	if !was.IsSet(core) {
		return func() {}
	}
	only.Set(core)
	if unix.SchedSetaffinity(0, &only) != nil {
		return func() {}
	}
	return func() { _ = unix.SchedSetaffinity(0, &was) } // the thread is given back as it was
}

// sum does the core's next kind of arithmetic.
func (c *cpu) sum(i int) {
	on := &c.cores[i]
	k := c.kernels[on.next%len(c.kernels)]
	on.next++
	if got := k.run(); got != k.want {
		n := on.wrong.Add(1)
		c.found.wrong(fmt.Sprint(k.name, i), "processor core %d: %s gave %x instead of %x, wrong %s so far on this core", i, k.name, got, k.want, times(n))
	}
	on.sums.Add(1)
}

func (c *cpu) figures() []wire.BurnFact {
	var sums, wrong int64
	least := int64(-1)
	for i := range c.cores {
		n := c.cores[i].sums.Load()
		sums, wrong = sums+n, wrong+c.cores[i].wrong.Load()
		if least < 0 || n < least {
			least = n
		}
	}
	d := c.worked.sum()
	if d == 0 {
		return nil
	}
	return []wire.BurnFact{
		{Test: "cpu", Name: "work", Value: perSecond(float64(sums), d), Unit: "sums/s", Fold: wire.FoldMean, Better: "more"},
		{Test: "cpu", Name: "slowest_core", Value: perSecond(float64(least), d), Unit: "sums/s", Fold: wire.FoldLeast, Better: "more"},
		{Test: "cpu", Name: "wrong_results", Value: float64(wrong), Fold: wire.FoldSum},
	}
}

func (c *cpu) close() {}
