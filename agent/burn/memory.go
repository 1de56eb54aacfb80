package burn

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rackwright/agent/wire"
)

// What is mapped at once, and what is left to the kernel and the agent: a sixteenth of
// the memory, and so much at least.
const (
	firstPart   = 4 << 20 // the first is small: a slow machine is to be through with it soon
	memoryPart  = 64 << 20
	leastRest   = 128 << 20
	restOfAll   = 16
	growingTime = 4 // a part of a slice may go into mapping more
)

// memory fills all memory but a safe rest with patterns, reads them back inverted and
// inverts them again, upwards and downwards (moving inversions), on all cores.
type memory struct {
	World
	found  *findings
	worked clock
	parts  []Memory
	bases  []uint64 // number of the first word of each part
	full   bool     // no more is to be had

	pass  int          // of all passes so far
	next  atomic.Int64 // part of this pass
	bytes atomic.Int64 // moved
	wrong atomic.Int64 // words
	held  atomic.Int64 // bytes mapped
	round atomic.Int64 // patterns done whole
}

func newMemory(w World, found *findings) *memory { return &memory{World: w, found: found} }

func (m *memory) work(ctx context.Context) bool {
	m.grow(ctx)
	if len(m.parts) == 0 {
		m.found.note("memory", "memory was not tested: none could be had")
		return false
	}
	m.worked.start(m.Now())
	for m.onePass(ctx); ctx.Err() == nil; m.onePass(ctx) { // something is done in every slice
	}
	m.worked.tick(m.Now())
	return true
}

// grow maps more memory before a pattern begins, for a part of the slice.
func (m *memory) grow(ctx context.Context) {
	if m.full || m.pass%passes != 0 || m.next.Load() != 0 {
		return
	}
	until := m.Now().Add(time.Second)
	if end, some := ctx.Deadline(); some {
		until = m.Now().Add(time.Until(end) / growingTime)
	}
	for m.Now().Before(until) || len(m.parts) == 0 {
		free, all := meminfo(m.Root)
		if size := min(free-max(leastRest, all/restOfAll), memoryPart, firstPart<<min(len(m.parts), 8)) &^ (pageBytes - 1); size > 0 && ctx.Err() == nil {
			part, err := m.Memory(int(size))
			if err == nil {
				m.parts, m.bases = append(m.parts, part), append(m.bases, uint64(m.held.Load())/8)
				m.held.Add(int64(len(part.Bytes)))
				continue
			}
		}
		m.full = true
		return
	}
}

// onePass does a pass over all parts, or as much of it as there is time for.
func (m *memory) onePass(ctx context.Context) {
	var all sync.WaitGroup
	for range max(m.CPUs, 1) {
		all.Go(func() {
			for n := 0; n == 0 || ctx.Err() == nil; n++ {
				i := m.next.Add(1) - 1
				if i >= int64(len(m.parts)) {
					return
				}
				m.onePart(int(i))
			}
		})
	}
	all.Wait()
	if m.next.Load() < int64(len(m.parts)) {
		return // the time is over
	}
	m.next.Store(0)
	if m.pass++; m.pass%passes == 0 {
		m.round.Add(1)
	}
}

func (m *memory) onePart(i int) {
	p := &m.parts[i]
	wrong, moved := passOver(p.Bytes, m.bases[i], m.pass, func(word int, got, want uint64) {
		at := fmt.Sprintf("part %d, offset %#x", i, word*8)
		if p.Physical != nil {
			if a, known := p.Physical(word * 8); known {
				at = fmt.Sprintf("physical address %#x", a)
			}
		}
		m.found.wrong("memory "+at, "memory: %s held %016x instead of %016x (bits %016x differ)", at, got, want, got^want)
	})
	m.bytes.Add(moved)
	if n := m.wrong.Add(wrong); wrong > 0 {
		m.found.wrong("memory", "memory: %d words were wrong so far", n)
	}
}

func (m *memory) figures() []wire.BurnFact {
	d := m.worked.sum()
	if d == 0 {
		return nil
	}
	const mib = 1 << 20
	return []wire.BurnFact{
		{Test: "memory", Name: "bandwidth", Value: perSecond(float64(m.bytes.Load())/mib, d), Unit: "MiB/s", Fold: wire.FoldMean, Better: "more"},
		{Test: "memory", Name: "tested", Value: float64(m.held.Load()) / mib, Unit: "MiB", Fold: wire.FoldMost},
		{Test: "memory", Name: "patterns", Value: float64(m.round.Load()), Fold: wire.FoldSum},
		{Test: "memory", Name: "wrong_words", Value: float64(m.wrong.Load()), Fold: wire.FoldSum},
	}
}

func (m *memory) close() {
	for _, p := range m.parts {
		p.Release()
	}
	m.parts = nil
}
