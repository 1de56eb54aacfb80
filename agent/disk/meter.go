package disk

import "sync"

// meter counts bytes of a pass and reports them, one report at a time.
type meter struct {
	mu          sync.Mutex
	done, total int64
	report      func(done, total int64)
}

func (w *Write) meter(pass Pass, total int64) *meter {
	m := &meter{total: total, report: func(int64, int64) {}}
	if w.Progress != nil {
		m.report = func(done, total int64) { w.Progress(pass, done, total) }
	}
	return m
}

func (m *meter) add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	m.report(m.done, m.total)
}
