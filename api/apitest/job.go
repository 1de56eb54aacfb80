package apitest

import (
	"context"
	"slices"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/store"
)

// Damage lets what reads the bytes of an image find damage.
func (s *Store) Damage(image string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged = image
}

// ImageJobs lists jobs, newest first.
func (s *Store) ImageJobs(_ context.Context, f store.JobFilter) ([]images.Job, error) {
	unlock, err := s.lock()
	defer unlock()
	list := slices.DeleteFunc(slices.Clone(s.job), func(j images.Job) bool {
		return f.Kind != "" && j.Kind != f.Kind || f.Open && j.State.Ended()
	})
	for i := range list {
		list[i].Result, list[i].Log = images.JobResult{}, nil
	}
	return page(list, f.Page, true, func(j images.Job) []string { return since(j.Created, j.ID) }), err
}

// ImageJob returns a job.
func (s *Store) ImageJob(_ context.Context, id string) (*images.Job, error) {
	return s.turnJob(id, func(*images.Job) error { return nil })
}

func (s *Store) turnJob(id string, f func(*images.Job) error) (*images.Job, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	for i := range s.job {
		if j := s.job[i]; j.ID == id {
			if err := f(&j); err != nil {
				return nil, err
			}
			s.job[i] = j
			return &j, nil
		}
	}
	return nil, fault.NotFoundf("there is no job %q", id).WithHint("'rackwright job list' shows them")
}

// CreateImageJob does at once what reads and removes bytes; what caches are asked for is
// queued for ever.
func (s *Store) CreateImageJob(_ context.Context, j *images.Job) error {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return err
	}
	j.ID, j.State, j.Created, j.Updated = s.id("job"), images.JobQueued, s.now(), s.now()
	j.Say(j.Created, "asked for by %s", j.Actor)
	if j.Kind == images.JobWarm {
		if err := s.choose(j); err != nil {
			return err
		}
	} else {
		j.State, j.Started, j.Ended, j.Tries = images.JobDone, s.now(), s.now(), 1
	}
	switch gone := collected(); {
	case j.Kind == images.JobGC:
		j.Result.Removed = &gone
	case j.Kind == images.JobVerify:
		j.Result.Found = &images.Health{Images: 2, Chunks: 7, Bytes: 7 << 20, Damage: []images.Damage{}, Unrecorded: []string{}}
		if s.damaged != "" && (j.Image == "" || j.Image == s.damaged) {
			j.Result.Found.Damage = append(j.Result.Found.Damage, images.Damage{Image: s.damaged, Offset: 3 << 20, Bytes: 1 << 20, Where: "partition 2 (root)", What: "chunk 00 is missing"})
		}
	}
	s.job = append(s.job, *j)
	return nil
}

// choose asks the caches of a job, or all.
func (s *Store) choose(j *images.Job) error {
	all := len(j.Result.Fills) == 0
	for i := range s.cache {
		c := &s.cache[i]
		named := slices.ContainsFunc(j.Result.Fills, func(f images.Fill) bool { return f.Cache == c.Name })
		if all {
			j.Result.Fills = append(j.Result.Fills, images.Fill{Cache: c.Name})
		}
		if (all || named) && !slices.Contains(c.Want, j.Digest) {
			c.Want = append(slices.Clone(c.Want), j.Digest)
		}
	}
	for _, f := range j.Result.Fills {
		if !slices.ContainsFunc(s.cache, func(c images.Cache) bool { return c.Name == f.Cache }) {
			return fault.NotFoundf("there is no cache %q", f.Cache).WithHint("'rackwright cache list' shows them")
		}
	}
	if len(j.Result.Fills) == 0 {
		return fault.Conflictf("no cache is alive").WithHint("start one with 'rackwright cache run'")
	}
	return nil
}

// CancelImageJob ends a job.
func (s *Store) CancelImageJob(_ context.Context, id, actor string) (*images.Job, error) {
	return s.turnJob(id, func(j *images.Job) error { return j.Cancel(s.now(), actor) })
}

// RetryImageJob begins a job again.
func (s *Store) RetryImageJob(_ context.Context, id, actor string) (*images.Job, error) {
	return s.turnJob(id, func(j *images.Job) error { return j.Retry(s.now(), actor) })
}

// TurnJob changes a job as who does it would.
func (s *Store) TurnJob(id string, f func(j *images.Job, now time.Time)) {
	_, _ = s.turnJob(id, func(j *images.Job) error { f(j, s.now()); return nil })
}
