// Package console keeps the end of what a serial console said, as text that is fit for
// people. It is pure.
package console

import (
	"bytes"
	"sync"
)

// Kept is how much of a machine's console is kept in memory, in bytes.
const Kept = 64 << 10

// Tail is the end of a stream of bytes. Many may read while one writes.
type Tail struct {
	mu    sync.Mutex
	bytes []byte
	total int64 // ever written
}

// Write implements io.Writer; it keeps the last Kept bytes.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += int64(len(p))
	t.bytes = append(t.bytes, p[max(0, len(p)-Kept):]...)
	if over := len(t.bytes) - Kept; over > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[over:]...)
	}
	return len(p), nil
}

// Since returns what was written after the first so many bytes, as far as it is kept, and
// how many there are by now.
func (t *Tail) Since(after int64) (raw []byte, total int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	begins := t.total - int64(len(t.bytes))
	if after < begins || after > t.total {
		after = begins
	}
	return append([]byte(nil), t.bytes[after-begins:]...), t.total
}

// Text is the end of the console as lines, at most n bytes.
func (t *Tail) Text(n int) string {
	raw, _ := t.Since(0)
	return Last(Plain(raw), n)
}

// Look is what is known of a machine's console.
type Look struct {
	Raw   []byte // since the place that was asked for
	Total int64  // the place behind it
	Open  bool   // it is being read
	Err   error  // why not; nil when it is, or was not tried yet
}

// Lines is a look as plain text, up to its last whole line unless all of it is wanted, and
// the place to go on from: so that no character or sequence is cut in two.
func (l Look) Lines(all bool) (text string, next int64) {
	raw := l.Raw
	if !all {
		raw = raw[:bytes.LastIndexByte(raw, '\n')+1]
	}
	return Plain(raw), l.Total - int64(len(l.Raw)-len(raw))
}
