package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/journal"
)

// Bounds of jobs.
const (
	maxJobs     = 200                 // that have not ended
	keptJobs    = 30 * 24 * time.Hour // how long one that has ended is listed
	mostJobs    = 2000                // that have ended
	openJobs    = `state IN ('queued', 'running')`
	jobColumns  = `id, kind, image, digest, state, step, progress, error, fault, hint, actor, tries, created_at, started_at, ended_at, updated_at`
	jobOutcomes = `, result, log`
)

// JobFilter narrows a list of jobs.
type JobFilter struct {
	Kind images.JobKind // "": all
	Open bool           // only those that have not ended
	Page
}

// ImageJobs lists a part of the jobs, by when they were asked for, newest first, without
// their results and logs.
func (db *DB) ImageJobs(ctx context.Context, f JobFilter) ([]images.Job, error) {
	where, args := "true", []any{}
	if f.Open {
		where = openJobs
	}
	if f.Kind != "" {
		args = append(args, f.Kind)
		where += " AND kind = $1"
	}
	return listed(ctx, db, f.Page, byTime("created", "created_at", "id"), "-created", where, args, func(ctx context.Context, q queryer, pick string, args ...any) ([]images.Job, error) {
		return jobs(ctx, q, false, pick, args...)
	})
}

// ImageJob returns a job.
func (db *DB) ImageJob(ctx context.Context, id string) (*images.Job, error) {
	j, err := db.imageJob(ctx, db.sql, id, "")
	return j, db.fault(err)
}

func (db *DB) imageJob(ctx context.Context, q queryer, id, lock string) (*images.Job, error) {
	none := fault.NotFoundf("there is no job %.40q", id).WithHint("'rackwright job list' shows them")
	if !isID(id) {
		return nil, none
	}
	found, err := jobs(ctx, q, true, "id = $1"+lock, strings.ToLower(id))
	if err == nil && len(found) == 0 {
		return nil, none
	}
	return first(found), err
}

func jobs(ctx context.Context, q queryer, whole bool, pick string, args ...any) ([]images.Job, error) {
	columns := jobColumns
	if whole {
		columns += jobOutcomes
	}
	return collect(ctx, q, func(scan func(...any) error) (j images.Job, err error) {
		to := []any{asText{&j.ID}, &j.Kind, &j.Image, &j.Digest, &j.State, &j.Step, asJSON{&j.Progress}, &j.Error, &j.Fault, &j.Hint, &j.Actor, &j.Tries,
			asTime{&j.Created}, asTime{&j.Started}, asTime{&j.Ended}, asTime{&j.Updated}}
		if whole {
			to = append(to, asJSON{&j.Result}, asJSON{&j.Log})
		}
		err = scan(to...)
		return j, err
	}, `SELECT `+columns+` FROM image_job WHERE `+pick, args...)
}

// CreateImageJob begins a job. One that warms caches asks them at once: those it names, or
// all that are alive; NotFound for a name there is not, Conflict when none is alive.
func (db *DB) CreateImageJob(ctx context.Context, j *images.Job) error {
	err := db.tx(ctx, func(tx *txn) error {
		var open int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM image_job WHERE `+openJobs).Scan(&open); err != nil {
			return err
		}
		if open >= maxJobs {
			return fault.Conflictf("%d jobs have not ended", open).WithHint("'rackwright job list --open' shows them; 'rackwright job cancel' ends one")
		}
		j.ID, j.State, j.Created = newID(), images.JobQueued, db.now()
		j.Updated = j.Created
		if j.Kind == images.JobWarm {
			if err := db.chooseCaches(ctx, tx, j); err != nil {
				return err
			}
		}
		j.Say(j.Created, "asked for by %s", j.Actor)
		if _, err := exec(ctx, tx, `INSERT INTO image_job (`+jobColumns+jobOutcomes+`, lease_owner, lease_until)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, NULL, $13, $14, $15, '', $13)`,
			j.ID, j.Kind, j.Image, j.Digest, j.State, j.Step, toJSON(j.Progress), j.Error, j.Fault, j.Hint, j.Actor, j.Tries, j.Created, toJSON(j.Result), toJSON(j.Log)); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{jobEvent(j, j.Actor)})
	})
	if err == nil {
		db.imports.wake(everything)
		db.events.wake(everything)
	}
	return err
}

func jobEvent(j *images.Job, actor string) journal.Event {
	text := fmt.Sprintf("%s of %s is %s", j.Kind, j.Subject(), j.State)
	if j.Error != "" {
		text += ": " + j.Error
	}
	return journal.Event{Kind: journal.ImageJob, Actor: actor, Summary: text, Detail: map[string]any{"job": j.ID, "kind": string(j.Kind), "state": string(j.State)}}
}

// ClaimImageJob lends a job of some kinds that is to be done to owner until now+ttl; nil,
// nil: there is none.
func (db *DB) ClaimImageJob(ctx context.Context, owner string, ttl time.Duration, kinds ...images.JobKind) (*images.Job, error) {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = "'" + string(k) + "'" // words of the program
	}
	id, err := db.lend(ctx, "image_job", openJobs+" AND kind IN ("+strings.Join(words, ", ")+")", ", state = 'running', started_at = $3, tries = tries + 1", owner, ttl)
	if err != nil || id == "" {
		return nil, err
	}
	return db.ImageJob(ctx, id)
}

// NoteImageJob writes down how far a job is and keeps it for owner until now+ttl. Conflict
// when it was cancelled or is another's now: whoever does it stops.
func (db *DB) NoteImageJob(ctx context.Context, j *images.Job, owner string, ttl time.Duration) error {
	now := db.now()
	n, err := exec(ctx, db.sql, `UPDATE image_job SET step = $1, progress = $2, result = $3, log = $4, lease_until = $5, updated_at = $6
		WHERE id = $7 AND lease_owner = $8 AND state = 'running'`, j.Step, toJSON(j.Progress), toJSON(j.Result), toJSON(j.Log), now.Add(ttl), now, j.ID, owner)
	return db.lentJob(j.ID, n, err)
}

// EndImageJob writes down how a job ended, and gives it up.
func (db *DB) EndImageJob(ctx context.Context, j *images.Job, owner string) error {
	err := db.tx(ctx, func(tx *txn) error {
		now := db.now()
		j.Ended, j.Updated, j.Step = now, now, ""
		n, err := exec(ctx, tx, `UPDATE image_job SET state = $1, step = '', progress = $2, result = $3, log = $4, error = $5, fault = $6, hint = $7, lease_owner = '', ended_at = $8, updated_at = $8
			WHERE id = $9 AND lease_owner = $10 AND state = 'running'`, j.State, toJSON(j.Progress), toJSON(j.Result), toJSON(j.Log), j.Error, j.Fault, j.Hint, now, j.ID, owner)
		if err := db.lentJob(j.ID, n, err); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{jobEvent(j, "server")})
	})
	if err == nil {
		db.events.wake(everything)
	}
	return err
}

func (db *DB) lentJob(id string, n int64, err error) error {
	if err == nil && n == 0 {
		err = fault.Conflictf("job %s was cancelled, or another server does it", id)
	}
	return db.fault(err)
}

// CancelImageJob ends a job that has not ended; caches fetch no more for it.
func (db *DB) CancelImageJob(ctx context.Context, id, actor string) (*images.Job, error) {
	return db.steerJob(ctx, id, actor, (*images.Job).Cancel, func(tx *txn, j *images.Job) error { return db.unwant(ctx, tx, j) })
}

// RetryImageJob begins a job again that failed or was cancelled.
func (db *DB) RetryImageJob(ctx context.Context, id, actor string) (*images.Job, error) {
	j, err := db.steerJob(ctx, id, actor, (*images.Job).Retry, func(tx *txn, j *images.Job) error { return db.want(ctx, tx, j) })
	if err == nil {
		db.imports.wake(everything)
	}
	return j, err
}

// steerJob changes a job in whoever's hands it is; they find it theirs no more.
func (db *DB) steerJob(ctx context.Context, id, actor string, change func(*images.Job, time.Time, string) error, also func(*txn, *images.Job) error) (*images.Job, error) {
	var out *images.Job
	err := db.tx(ctx, func(tx *txn) error {
		j, err := db.imageJob(ctx, tx, id, db.dialect.lock)
		if err != nil {
			return err
		}
		now := db.now()
		if err := change(j, now, actor); err != nil {
			return err
		}
		j.Updated, out = now, j
		if _, err := exec(ctx, tx, `UPDATE image_job SET state = $1, step = $2, progress = $3, result = $4, log = $5, error = $6, fault = $7, hint = $8, ended_at = $9, updated_at = $10, lease_owner = '' WHERE id = $11`,
			j.State, j.Step, toJSON(j.Progress), toJSON(j.Result), toJSON(j.Log), j.Error, j.Fault, j.Hint, timeOrNull(j.Ended), now, j.ID); err != nil {
			return err
		}
		if err := also(tx, j); err != nil {
			return err
		}
		return db.append(ctx, tx, []journal.Event{jobEvent(j, actor)})
	})
	db.events.wake(everything)
	return out, err
}

// ExpireImageJobs forgets jobs that ended long ago, and the oldest of too many.
func (db *DB) ExpireImageJobs(ctx context.Context) error {
	_, err := exec(ctx, db.sql, `DELETE FROM image_job WHERE NOT (`+openJobs+`) AND (updated_at < $1
		OR id NOT IN (SELECT id FROM image_job ORDER BY created_at DESC, id DESC LIMIT $2))`, db.now().Add(-keptJobs), mostJobs)
	return db.fault(err)
}
