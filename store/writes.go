package store

import (
	"context"
	"sync/atomic"
)

// Writes notes whether anything was to be written on behalf of a context: when the database
// stops answering in the middle of that, nobody knows whether it was.
type Writes struct{ tried atomic.Bool }

type writesKey struct{}

// WithWrites returns a context whose writes are noted.
func WithWrites(ctx context.Context) (context.Context, *Writes) {
	w := &Writes{}
	return context.WithValue(ctx, writesKey{}, w), w
}

// Tried reports whether a transaction was about to be committed, or a statement outside of
// any was sent.
func (w *Writes) Tried() bool { return w.tried.Load() }

func writes(ctx context.Context) {
	if w, ok := ctx.Value(writesKey{}).(*Writes); ok {
		w.tried.Store(true)
	}
}
