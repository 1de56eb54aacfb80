package run_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/images"
)

// asked asks for a job.
func (y *yard) asked(j images.Job) *images.Job {
	y.t.Helper()
	j.Actor = "tester"
	y.ok(y.db.CreateImageJob(y.t.Context(), &j))
	return &j
}

// job waits until a job is as it should be.
func (y *yard) job(id, should string, is func(*images.Job) bool) *images.Job {
	y.t.Helper()
	late := time.After(time.Minute)
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		j, err := y.db.ImageJob(y.t.Context(), id)
		y.ok(err)
		if is(j) {
			return j
		}
		select {
		case <-tick.C:
		case <-late:
			y.t.Fatalf("not %s: %+v", should, j)
		}
	}
}

func ended(j *images.Job) bool { return j.State.Ended() }

func quick(y *yard) { y.task.Look = 5 * time.Millisecond }

func TestAJobReadsAllBytesAndSaysHowFarItIs(t *testing.T) {
	y := newYard(t, quick)
	y.file["/disk.raw"] = disk(t)
	y.fetched(images.ImportOrder{Name: "good", URL: y.web.URL + "/disk.raw"})
	j := y.job(y.asked(images.Job{Kind: images.JobVerify, Image: "good"}).ID, "ended", ended)
	if p := j.Progress; j.State != images.JobDone || j.Result.Found == nil || j.Result.Found.Images != 1 || len(j.Result.Found.Damage) > 0 ||
		p.Bytes == 0 || p.Bytes != p.AllBytes || p.Chunks == 0 || p.Chunks != p.AllChunks || p.Bytes != j.Result.Found.Bytes {
		t.Errorf("%+v", j)
	}
	if j.Tries != 1 || j.Started.IsZero() || j.Ended.IsZero() || len(j.Log) < 3 {
		t.Errorf("%+v", j)
	}
	gone := y.job(y.asked(images.Job{Kind: images.JobVerify, Image: "gone"}).ID, "ended", ended)
	if gone.State != images.JobFailed || gone.Fault != "not-found" || gone.Hint == "" {
		t.Errorf("%+v", gone)
	}
}

func TestAJobWaitsForImportsAndIsCancelledAndBegunAgain(t *testing.T) {
	y := newYard(t, quick)
	id := ""
	y.ok(y.door.Blobs.Holding(nil, func() error { // as an import does
		id = y.asked(images.Job{Kind: images.JobGC}).ID
		y.job(id, "waiting", func(j *images.Job) bool { return strings.HasPrefix(j.Step, "waits") })
		_, err := y.db.CancelImageJob(t.Context(), id, "ann")
		return err
	}))
	next := y.asked(images.Job{Kind: images.JobGC}) // begins when the other has let go
	if j := y.job(next.ID, "ended", ended); j.State != images.JobDone || j.Result.Removed == nil {
		t.Errorf("%+v", j)
	}
	if j := y.job(id, "cancelled", ended); j.State != images.JobCancelled || j.Error != "" {
		t.Errorf("%+v", j)
	}
	_, err := y.db.RetryImageJob(t.Context(), id, "ann")
	y.ok(err)
	if j := y.job(id, "ended", ended); j.State != images.JobDone || j.Tries != 2 {
		t.Errorf("%+v", j)
	}
}

func TestAJobIsTakenUpWhenTheServerThatDidItIsGone(t *testing.T) {
	id := ""
	y := newYard(t, func(y *yard) {
		quick(y)
		id = y.asked(images.Job{Kind: images.JobGC}).ID
		_, err := y.db.ClaimImageJob(y.t.Context(), "gone", time.Microsecond, images.JobGC)
		y.ok(err)
	})
	if j := y.job(id, "ended", ended); j.State != images.JobDone || j.Tries != 2 {
		t.Errorf("%+v", j)
	}
}

func TestAJobEndsWhenEveryCacheHasTheImageOrSaidWhyNot(t *testing.T) {
	y := newYard(t, quick)
	beat := func(name string, said ...images.Warm) []string {
		t.Helper()
		want, err := y.db.BeatCache(t.Context(), images.Cache{Name: name, URL: "http://10.0.0.9:8088", Report: images.CacheReport{Warming: said}}, "cache")
		y.ok(err)
		return want
	}
	beat("c1")
	beat("c2")
	id := y.asked(images.Job{Kind: images.JobWarm, Image: "debian", Digest: "sha256:a"}).ID
	beat("c1", images.Warm{Digest: "sha256:a", Done: 2, Total: 4})
	half := y.job(id, "half done", func(j *images.Job) bool { return j.Progress.Chunks == 2 && j.Progress.AllChunks == 4 })
	if half.State != images.JobRunning || half.Ended.IsZero() == false {
		t.Errorf("%+v", half)
	}
	beat("c1", images.Warm{Digest: "sha256:a", Done: 4, Total: 4})
	beat("c2", images.Warm{Digest: "sha256:a", Error: "disk full"})
	j := y.job(id, "ended", ended)
	if j.State != images.JobFailed || j.Fault != "unreachable" || !strings.Contains(j.Error, "1 of 2 caches") || !strings.Contains(j.Error, "c2: disk full") || !strings.Contains(j.Hint, "job retry") {
		t.Errorf("%+v", j)
	}
	beat("c1") // has forgotten that it has it
	_, err := y.db.RetryImageJob(t.Context(), id, "ann")
	y.ok(err)
	running := y.job(id, "at work", func(j *images.Job) bool { return j.State != images.JobQueued && j.Step != "" })
	if running.State != images.JobRunning { // what c2 said last is of the time before
		t.Fatalf("%+v", running)
	}
	for _, name := range []string{"c1", "c2"} {
		if want := beat(name); !slices.Contains(want, "sha256:a") {
			t.Errorf("%s is to fetch %v", name, want)
		}
		beat(name, images.Warm{Digest: "sha256:a", Done: 4, Total: 4})
	}
	if j := y.job(id, "ended", ended); j.State != images.JobDone || j.Error != "" {
		t.Errorf("%+v", j)
	}
}
