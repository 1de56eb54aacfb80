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
	// Installation is what the database is known by, as a view of it says.
	Installation(ctx context.Context) (string, error)
	Changed() (<-chan struct{}, func())
}

// Options are how a view is followed.
type Options struct {
	File  string        // where the view is saved; "": nowhere
	Saved *boot.View    // what Load found there: begin with it and read the whole later
	Away  bool          // the database does not answer: whatever was saved is begun with
	Poll  time.Duration // how often changes that nobody signalled are looked for; 0: 2 s
	Fresh time.Duration // how long what the database said counts as its newest word; 0: 10 ms
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

	began time.Time
	asked atomic.Int64  // when the database was last asked with success, nanoseconds after began
	turn  chan struct{} // one refresh at a time
	saved bool          // the view at hand is one that was saved: nothing can be told since it
	whole chan struct{} // closed once one was read whole
}

// New has the first view, so that View never returns nil: one that was saved, if the database
// is away or can tell what changed since, else what it reads.
func New(ctx context.Context, from Source, o Options) (*Follower, error) {
	if o.Poll == 0 {
		o.Poll = 2 * time.Second
	}
	if o.Fresh == 0 {
		o.Fresh = 10 * time.Millisecond
	}
	f := &Follower{Options: o, from: from, began: time.Now().Add(-o.Fresh), dirty: make(chan struct{}, 1), turn: make(chan struct{}, 1), whole: make(chan struct{})}
	v, err := f.begin(ctx, o.Saved)
	if err != nil {
		return nil, err
	}
	if f.Saved = nil; v != nil {
		f.saved = true
		f.view.Store(v)
		return f, nil
	}
	if v, err = from.View(ctx); err != nil {
		return nil, err
	}
	close(f.whole)
	f.take(v)
	return f, nil
}

// begin is the view to begin with while the whole is read, nil for none: the saved one, brought
// up to what the database says.
func (f *Follower) begin(ctx context.Context, saved *boot.View) (*boot.View, error) {
	if f.Away || saved == nil {
		return saved, nil
	}
	id, err := f.from.Installation(ctx)
	if err != nil || id == "" || id != saved.Installation() {
		return nil, err
	}
	d, err := f.from.ViewSince(ctx, saved.Revision)
	if err != nil || d == nil {
		return nil, err
	}
	return saved.With(d), nil
}

// Ready is closed once a view was read whole from the database.
func (f *Follower) Ready() <-chan struct{} { return f.whole }

// View returns the newest view. While the database is away it stays what it was.
func (f *Follower) View() *boot.View { return f.view.Load() }

// How long the database is asked whether a view is the newest, and how long one that was begun
// without its operations is completed.
const (
	asking     = 300 * time.Millisecond
	completing = 10 * time.Second
)

// Newest asks the database whether there is a newer view, unless it was asked just now. While
// that is away, or slow, it is the one at hand. For answers that cannot be taken back.
func (f *Follower) Newest(ctx context.Context) *boot.View {
	if f.fresh() {
		return f.View()
	}
	if !f.Away {
		f.complete(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	_ = f.Refresh(ctx) // Run says what is wrong
	return f.View()
}

func (f *Follower) isWhole() bool {
	select {
	case <-f.whole:
		return true
	default:
		return false
	}
}

// complete waits until the view has the operations, which a saved one has not.
func (f *Follower) complete(ctx context.Context) {
	late := time.NewTimer(completing)
	defer late.Stop()
	select {
	case <-f.whole:
	case <-ctx.Done():
	case <-late.C:
	}
}

// fresh reports whether the database was asked so shortly ago that nothing can have come of
// what changed since: between an order and the script that is to follow it lies a machine's start.
func (f *Follower) fresh() bool { return time.Since(f.began)-time.Duration(f.asked.Load()) < f.Fresh }

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
	away, wait := false, f.Away || f.isWhole()
	for {
		if wait {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			case <-tick.C:
			}
		}
		wait = true
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
	now := time.Since(f.began)
	n, err := f.from.Revision(ctx)
	if err != nil {
		return err
	}
	if n != f.View().Revision || f.saved {
		next, err := f.next(ctx)
		if err != nil {
			return err
		}
		f.take(next)
		if f.saved {
			f.saved = false
			close(f.whole)
		}
	}
	f.asked.Store(int64(now))
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
