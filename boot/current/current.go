// Package current keeps the newest boot view at hand: it follows the store and swaps the
// view whole. It answers nobody.
package current

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"rackwright/boot"
)

// Source is where views come from.
type Source interface {
	Revision(ctx context.Context) (int64, error)
	View(ctx context.Context) (*boot.View, error)
	Changed() (<-chan struct{}, func())
}

// poll is how often another process's changes are looked for.
const poll = 500 * time.Millisecond

// settle is how long changes are gathered after a refresh.
const settle = 20 * time.Millisecond

// Follower is the task that keeps the view.
type Follower struct {
	from Source
	log  *slog.Logger
	view atomic.Pointer[boot.View]
}

// New loads the first view, so that View never returns nil.
func New(ctx context.Context, from Source, log *slog.Logger) (*Follower, error) {
	v, err := from.View(ctx)
	if err != nil {
		return nil, err
	}
	f := &Follower{from: from, log: log}
	f.view.Store(v)
	return f, nil
}

// View returns the newest view. While the database is away it stays what it was.
func (f *Follower) View() *boot.View { return f.view.Load() }

// String names the task.
func (f *Follower) String() string { return "boot view" }

// Run follows the store until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	changed, stop := f.from.Changed()
	defer stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	away := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
		err := f.Refresh(ctx)
		if err != nil && !away && ctx.Err() == nil {
			f.log.Warn("the boot view cannot be refreshed; machines are answered from the last one", "error", err)
		}
		away = err != nil
		select { // many changes at once make one new view
		case <-ctx.Done():
			return nil
		case <-time.After(settle):
		}
	}
}

// Refresh takes the newest view if the revision grew.
func (f *Follower) Refresh(ctx context.Context) error {
	n, err := f.from.Revision(ctx)
	if err != nil || n == f.View().Revision {
		return err
	}
	v, err := f.from.View(ctx)
	if err != nil {
		return err
	}
	f.view.Store(v)
	return nil
}
