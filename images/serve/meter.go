package serve

import "sync/atomic"

// Meter counts what is sent.
type Meter struct {
	bytes, now atomic.Int64
}

// Bytes is how much was sent since the start.
func (m *Meter) Bytes() int64 { return m.bytes.Load() }

// Now is how many chunks are being sent.
func (m *Meter) Now() int { return int(m.now.Load()) }

func (m *Meter) begin() (end func()) {
	m.now.Add(1)
	return func() { m.now.Add(-1) }
}

func (m *Meter) sent(n int64) { m.bytes.Add(n) }
