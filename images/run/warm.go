package run

import (
	"context"
	"slices"

	"rackwright/fault"
	"rackwright/images"
)

// warm looks on until every cache of the job has the image, or said why not. What a cache
// said is known for a few seconds only: one of which nothing is known is asked again, and
// says at once what it has.
func (w *job) warm(ctx context.Context) error {
	w.step("caches fetch the image")
	for heard := w.Now(); ; {
		all, err := w.Store.Caches(ctx)
		if err == nil {
			heard = w.Now()
			err = w.look(ctx, all)
		} else if !fault.Is(err, fault.Unreachable) || w.Now().Sub(heard) > patience {
			return err
		}
		if fault.Is(err, fault.Conflict) || ctx.Err() != nil {
			return err
		}
		if over, err := w.filled(); over {
			return err
		}
		if err := w.pause(ctx); err != nil {
			return err
		}
	}
}

// look takes over what caches say, and asks those again that were not asked.
func (w *job) look(ctx context.Context, all []images.Cache) error {
	by := make(map[string]images.Cache, len(all))
	for _, c := range all {
		by[c.Name] = c
	}
	unasked, now := false, images.Job{}
	w.change(func(j *images.Job) {
		j.Result.Fills = slices.Clone(j.Result.Fills) // the one before is being written down
		j.Progress = images.Reach{}
		for i := range j.Result.Fills {
			f := &j.Result.Fills[i]
			c, there := by[f.Cache]
			if !f.Ended() {
				w.heard(f, c, there)
			}
			unasked = unasked || !f.Ended() && !slices.Contains(c.Want, j.Digest)
			j.Progress.Chunks += f.Done
			j.Progress.AllChunks += f.Total
		}
		now = *j
	})
	if !unasked {
		return nil
	}
	return w.Store.AskCaches(ctx, &now, w.Owner)
}

// heard is how far a cache is with its part. What it says it is done with it is asked for no
// more: where it still is, it was asked again since, and what it says is of the time before.
func (w *job) heard(f *images.Fill, c images.Cache, there bool) {
	switch {
	case !there:
		f.Error = "it was forgotten"
		return
	case w.Now().Sub(c.Seen) > patience:
		f.Error = "it was not heard of for " + patience.String()
		return
	}
	for _, said := range c.Report.Warming {
		if said.Digest == w.j.Digest && !(said.Ended() && slices.Contains(c.Want, said.Digest)) {
			f.Done, f.Total, f.Error = said.Done, said.Total, said.Error
			f.Loaded = said.Error == "" && said.Ended()
		}
	}
}

// filled reports whether all caches have ended, and as an error that some did without.
func (w *job) filled() (over bool, err error) {
	w.change(func(j *images.Job) {
		bad := 0
		first := ""
		for _, f := range j.Result.Fills {
			if !f.Ended() {
				return
			}
			if f.Error != "" {
				if bad++; first == "" {
					first = f.Cache + ": " + f.Error
				}
			}
		}
		if over = true; bad > 0 {
			err = fault.Unreachablef("%d of %d caches have not fetched image %s; %s", bad, len(j.Result.Fills), j.Image, first).
				WithHint("see 'rackwright cache list'; then 'rackwright job retry %s'", j.ID)
		}
	})
	return over, err
}
