// Package current keeps the newest boot view at hand: it follows the store, swaps the view
// whole and saves it on disk for a start without the database. It answers nobody.
package current

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rackwright/boot"
)

// Source is where views come from.
type Source interface {
	Revision(ctx context.Context) (int64, error)
	View(ctx context.Context) (*boot.View, error)
	// ViewSince is what changed since a revision, nil when the view must be read whole.
	ViewSince(ctx context.Context, revision int64) (*boot.Delta, error)
	Changed() (<-chan struct{}, func())
}

// Options are how a view is followed.
type Options struct {
	File  string        // where the view is saved; "": nowhere
	Saved *boot.View    // what Load found there: begin with it and ask the database later
	Poll  time.Duration // how often changes that nobody signalled are looked for; 0: 2 s
	Log   *slog.Logger
}

// settle is how long changes are gathered after a refresh.
const settle = 20 * time.Millisecond

// Follower is the task that keeps the view.
type Follower struct {
	Options
	from  Source
	view  atomic.Pointer[boot.View]
	dirty chan struct{} // the view differs from what is saved

	turn  chan struct{} // one refresh at a time
	saved bool          // the view at hand is one that was saved: nothing can be told since it
}

// New loads the first view, so that View never returns nil. With a saved view it does not
// ask the database.
func New(ctx context.Context, from Source, o Options) (*Follower, error) {
	if o.Poll == 0 {
		o.Poll = 2 * time.Second
	}
	f := &Follower{Options: o, from: from, dirty: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	if o.Saved != nil {
		f.saved, f.Saved = true, nil
		f.view.Store(o.Saved)
		return f, nil
	}
	v, err := from.View(ctx)
	if err != nil {
		return nil, err
	}
	f.take(v)
	return f, nil
}

// View returns the newest view. While the database is away it stays what it was.
func (f *Follower) View() *boot.View { return f.view.Load() }

// asking is how long the database is asked whether a view is the newest.
const asking = 300 * time.Millisecond

// Newest asks the database whether there is a newer view. While that is away, or slow, it is
// the one at hand. For answers that cannot be taken back, and are few.
func (f *Follower) Newest(ctx context.Context) *boot.View {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	_ = f.Refresh(ctx) // Run says what is wrong
	return f.View()
}

// Settle is how long changes are gathered after one was taken.
func (f *Follower) Settle() time.Duration { return settle }

// String names the task.
func (f *Follower) String() string { return "boot view" }

// Run follows the store until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { f.keep(ctx) })
	changed, stop := f.from.Changed()
	defer stop()
	tick := time.NewTicker(f.Poll)
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
			f.Log.Warn("the boot view cannot be refreshed; machines are answered from the last one", "error", err)
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
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	n, err := f.from.Revision(ctx)
	if err != nil || (n == f.View().Revision && !f.saved) {
		return err
	}
	next, err := f.next(ctx)
	if err != nil {
		return err
	}
	f.saved = false
	f.take(next)
	return nil
}

// next makes the newest view out of what changed, or reads it whole: since a saved view,
// which may be of another database, nothing can be told.
func (f *Follower) next(ctx context.Context) (*boot.View, error) {
	if !f.saved {
		d, err := f.from.ViewSince(ctx, f.View().Revision)
		if err != nil {
			return nil, err
		}
		if d != nil {
			return f.View().With(d), nil
		}
	}
	return f.from.View(ctx)
}

func (f *Follower) take(v *boot.View) {
	f.view.Store(v)
	select {
	case f.dirty <- struct{}{}:
	default:
	}
}
