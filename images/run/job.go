package run

import (
	"context"
	"slices"
	"time"

	"rackwright/fault"
	"rackwright/images"
)

// patience is how long a job waits for what is away: imports that hold the store, a cache
// that is silent.
const patience = 10 * time.Minute

// job is one job while it is done.
type job struct {
	*Task
	lent[images.Job]
	j *images.Job
}

// claimJob claims a job of some kinds.
func (t *Task) claimJob(kinds ...images.JobKind) func(ctx context.Context) (func(context.Context), error) {
	return func(ctx context.Context) (func(context.Context), error) {
		j, err := t.Store.ClaimImageJob(ctx, t.Owner, lease, kinds...)
		if err != nil || j == nil {
			return nil, err
		}
		w := &job{Task: t, j: j}
		w.now = t.Now
		w.moved = func(was, is images.Job) bool {
			return is.Step != was.Step || is.Progress != was.Progress || len(is.Log) != len(was.Log) || !slices.Equal(is.Result.Fills, was.Result.Fills)
		}
		w.note = func(ctx context.Context, is images.Job) error { return t.Store.NoteImageJob(ctx, &is, t.Owner, lease) }
		return w.do, nil
	}
}

// do does one job to its end and writes down how it went.
func (w *job) do(ctx context.Context) {
	w.j.Progress = images.Reach{}
	w.j.Say(w.Now(), "taken up by server %s", w.Owner)
	is, err := w.run(ctx, *w.j, w.work)
	if ctx.Err() != nil || w.lost() {
		return // the server stops, or the job was cancelled
	}
	if is.State = images.JobDone; err != nil {
		is.Fail(err)
		w.Log.Warn("a job of the catalogue failed", "job", is.ID, "kind", is.Kind, "error", err)
		is.Say(w.Now(), "failed: %s", err)
	} else {
		is.Say(w.Now(), "done")
	}
	if err := w.Store.EndImageJob(ctx, &is, w.Owner); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Conflict) {
		w.Log.Warn("the end of a job was not written down; it is done again", "job", is.ID, "error", err)
	}
}

func (w *job) work(ctx context.Context) error {
	switch w.j.Kind {
	case images.JobVerify:
		return w.verify(ctx)
	case images.JobGC:
		return w.collect(ctx)
	case images.JobWarm:
		return w.warm(ctx)
	}
	return fault.Internalf("job %s is of kind %q, which this server does not know", w.j.ID, w.j.Kind).WithHint("an older server took it up: upgrade it, then 'rackwright job retry %s'", w.j.ID)
}

// step says what is being done; once of each.
func (w *job) step(text string) {
	w.change(func(j *images.Job) {
		if j.Step != text {
			j.Step = text
			j.Log = slices.Clone(j.Log) // the one before is being written down
			j.Say(w.Now(), "%s", text)
		}
	})
}

// pause waits until it is time to look again.
func (w *job) pause(ctx context.Context) error {
	every := w.Look
	if every == 0 {
		every = 2 * time.Second
	}
	t := time.NewTimer(every)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *job) verify(ctx context.Context) error {
	w.step("reads what is stored")
	found, err := w.Door.Check(ctx, w.j.Image, func(r images.Reach) { w.change(func(j *images.Job) { j.Progress = r }) })
	if err != nil {
		return err
	}
	w.change(func(j *images.Job) { j.Result.Found = found })
	return nil
}

// collect removes when nobody imports, and waits for that.
func (w *job) collect(ctx context.Context) error {
	for begun := w.Now(); ; {
		gone, err := w.Door.Blobs.Collect(ctx, w.Door.Keep, func(c images.Collected) {
			w.step("removes what nobody needs")
			w.change(func(j *images.Job) { j.Progress.Bytes, j.Progress.Chunks = c.Bytes, c.Chunks })
		})
		if err == nil {
			w.change(func(j *images.Job) {
				j.Progress.Bytes, j.Progress.Chunks, j.Result.Removed = gone.Bytes, gone.Chunks, &gone
			})
		}
		if !fault.Is(err, fault.Conflict) || w.Now().Sub(begun) > patience {
			return err
		}
		w.step("waits until no image is being added or read")
		if err := w.pause(ctx); err != nil {
			return err
		}
	}
}
