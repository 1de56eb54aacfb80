package store

import (
	"context"
	"slices"

	"rackwright/fault"
	"rackwright/images"
)

// Bounds of warming.
const (
	maxFills = 1000 // caches of one job
	maxWant  = 100  // images that one cache is to fetch
)

// chooseCaches fixes which caches a job warms, and asks them.
func (db *DB) chooseCaches(ctx context.Context, tx *txn, j *images.Job) error {
	all, err := db.caches(ctx, tx, "true ORDER BY name")
	if err != nil {
		return err
	}
	there := map[string]bool{}
	alive := []images.Fill{}
	for _, c := range all {
		if there[c.Name] = true; c.Alive {
			alive = append(alive, images.Fill{Cache: c.Name})
		}
	}
	for _, f := range j.Result.Fills {
		if !there[f.Cache] {
			return fault.NotFoundf("there is no cache %q", f.Cache).WithHint("'rackwright cache list' shows them")
		}
	}
	if len(j.Result.Fills) == 0 {
		j.Result.Fills = alive
	}
	switch n := len(j.Result.Fills); {
	case n == 0:
		return fault.Conflictf("no cache is alive").WithHint("start one with 'rackwright cache run'")
	case n > maxFills:
		return fault.Conflictf("%d caches are more than one job warms (%d)", n, maxFills).WithHint("name some of them with --cache")
	}
	return db.want(ctx, tx, j)
}

// want asks the caches of a job that are not done with it. One that was asked for too much
// is asked again later.
func (db *DB) want(ctx context.Context, tx *txn, j *images.Job) error {
	return db.rewant(ctx, tx, j, func(f images.Fill, want []string) []string {
		if f.Ended() || slices.Contains(want, j.Digest) || len(want) >= maxWant {
			return want
		}
		return append(want, j.Digest)
	})
}

// unwant takes back what a job asked of caches, but for what another job asks too.
func (db *DB) unwant(ctx context.Context, tx *txn, j *images.Job) error {
	others, err := jobs(ctx, tx, true, "kind = 'warm' AND digest = $1 AND id <> $2 AND "+openJobs, j.Digest, j.ID)
	if err != nil {
		return err
	}
	return db.rewant(ctx, tx, j, func(f images.Fill, want []string) []string {
		for _, o := range others {
			if slices.ContainsFunc(o.Result.Fills, func(g images.Fill) bool { return g.Cache == f.Cache && !g.Ended() }) {
				return want
			}
		}
		return slices.DeleteFunc(slices.Clone(want), func(d string) bool { return d == j.Digest })
	})
}

// rewant changes what the caches of a job are to fetch.
func (db *DB) rewant(ctx context.Context, tx *txn, j *images.Job, change func(f images.Fill, want []string) []string) error {
	if j.Kind != images.JobWarm {
		return nil
	}
	all, err := db.caches(ctx, tx, "true ORDER BY name"+db.dialect.lock)
	if err != nil {
		return err
	}
	by := make(map[string]images.Cache, len(all))
	for _, c := range all {
		by[c.Name] = c
	}
	for _, f := range j.Result.Fills {
		c, ok := by[f.Cache]
		if !ok {
			continue
		}
		if want := change(f, c.Want); len(want) != len(c.Want) {
			if _, err := exec(ctx, tx, `UPDATE image_cache SET want = $1 WHERE name = $2`, toJSON(want), c.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// AskCaches asks the caches of a job once more that are not done with it and were not asked.
// Conflict when the job is not owner's.
func (db *DB) AskCaches(ctx context.Context, j *images.Job, owner string) error {
	return db.tx(ctx, func(tx *txn) error {
		held, err := db.lock(ctx, tx, `SELECT 1 FROM image_job WHERE id = $1 AND lease_owner = $2 AND state = 'running'`, j.ID, owner)
		if err == nil && !held {
			return db.lentJob(j.ID, 0, nil)
		}
		if err != nil {
			return err
		}
		return db.want(ctx, tx, j)
	})
}
