package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/journal"
	"rackwright/store"
)

// askedFor begins a job.
func askedFor(t *testing.T, b *bench, j images.Job) *images.Job {
	t.Helper()
	j.Actor = "ann"
	ok(t, b.CreateImageJob(b.ctx(), &j))
	return &j
}

func warmOf(digest string, caches ...string) images.Job {
	j := images.Job{Kind: images.JobWarm, Image: "debian", Digest: digest}
	for _, c := range caches {
		j.Result.Fills = append(j.Result.Fills, images.Fill{Cache: c})
	}
	return j
}

func imageJobs() chapter {
	const lent = 20 * time.Second
	return chapter{
		"a job is read back, and is told of when it is asked for and when it has ended": func(t *testing.T, b *bench) {
			j := askedFor(t, b, images.Job{Kind: images.JobVerify, Image: "debian"})
			same(t, "job", must(b.ImageJob(b.ctx(), j.ID))(t), j)
			got := must(b.ClaimImageJob(b.ctx(), "a", lent, images.JobVerify, images.JobGC))(t)
			got.State, got.Result.Found = images.JobDone, &images.Health{Images: 1, Damage: []images.Damage{{Image: "debian", What: "gone"}}, Unrecorded: []string{}}
			got.Say(b.clock.Now(), "done")
			ok(t, b.EndImageJob(b.ctx(), got, "a"))
			same(t, "ended", must(b.ImageJob(b.ctx(), j.ID))(t), got)
			if list := must(b.ImageJobs(b.ctx(), store.JobFilter{}))(t); len(list) != 1 || list[0].ID != j.ID || list[0].Result.Found != nil || list[0].Log != nil {
				t.Errorf("listed %+v", list)
			}
			same(t, "open", len(must(b.ImageJobs(b.ctx(), store.JobFilter{Open: true}))(t)), 0)
			same(t, "of another kind", len(must(b.ImageJobs(b.ctx(), store.JobFilter{Kind: images.JobGC}))(t)), 0)
			told := 0
			for _, e := range must(b.Events(b.ctx(), store.EventFilter{}))(t) {
				if e.Kind == journal.ImageJob {
					told++
				}
			}
			same(t, "told", told, 2)
			for _, id := range []string{"nothing", strings.Replace(j.ID, j.ID[30:], "000000", 1)} {
				_, err := b.ImageJob(b.ctx(), id)
				refused(t, err, fault.NotFound)
			}
		},
		"each job is in the hands of one server, and of another when that one is silent": func(t *testing.T, b *bench) {
			j := askedFor(t, b, images.Job{Kind: images.JobGC})
			if none := must(b.ClaimImageJob(b.ctx(), "w", lent, images.JobWarm))(t); none != nil {
				t.Errorf("of another kind: %+v", none)
			}
			var got [6]*images.Job
			race(6, func(n int) {
				var err error
				if got[n], err = b.ClaimImageJob(b.ctx(), string(rune('a'+n)), lent, images.JobGC); err != nil {
					t.Error(err)
				}
			})
			owner := ""
			for n, one := range got {
				if one != nil {
					owner += string(rune('a' + n))
					one.Progress = images.Reach{Bytes: 7, Chunks: 2}
					ok(t, b.NoteImageJob(b.ctx(), one, owner, lent))
				}
			}
			if len(owner) != 1 {
				t.Fatalf("%q have it", owner)
			}
			b.clock.Turn(2 * lent)
			again := must(b.ClaimImageJob(b.ctx(), "other", lent, images.JobGC))(t)
			if again == nil || again.ID != j.ID || again.Tries != 2 || again.Progress.Bytes != 7 || again.State != images.JobRunning {
				t.Fatalf("%+v", again)
			}
			refused(t, b.NoteImageJob(b.ctx(), again, owner, lent), fault.Conflict)
			refused(t, b.EndImageJob(b.ctx(), again, owner), fault.Conflict)
			ok(t, b.NoteImageJob(b.ctx(), again, "other", lent))
		},
		"a job is cancelled whoever does it, and begun again when it is asked for": func(t *testing.T, b *bench) {
			j := askedFor(t, b, images.Job{Kind: images.JobVerify})
			_, err := b.RetryImageJob(b.ctx(), j.ID, "bob")
			refused(t, err, fault.Conflict)
			held := must(b.ClaimImageJob(b.ctx(), "a", lent, images.JobVerify))(t)
			same(t, "state", must(b.CancelImageJob(b.ctx(), j.ID, "bob"))(t).State, images.JobCancelled)
			refused(t, b.NoteImageJob(b.ctx(), held, "a", lent), fault.Conflict)
			_, err = b.CancelImageJob(b.ctx(), j.ID, "bob")
			refused(t, err, fault.Conflict)
			again := must(b.RetryImageJob(b.ctx(), j.ID, "bob"))(t)
			if again.State != images.JobQueued || !again.Ended.IsZero() || len(again.Log) != 3 {
				t.Errorf("%+v", again)
			}
			same(t, "claimed", must(b.ClaimImageJob(b.ctx(), "b", lent, images.JobVerify))(t).ID, j.ID)
		},
		"jobs without end are refused, and old ones forgotten": func(t *testing.T, b *bench) {
			old := askedFor(t, b, images.Job{Kind: images.JobGC})
			must(b.CancelImageJob(b.ctx(), old.ID, "ann"))(t)
			b.clock.Turn(31 * 24 * time.Hour)
			for range 200 {
				askedFor(t, b, images.Job{Kind: images.JobVerify})
			}
			refused(t, b.CreateImageJob(b.ctx(), &images.Job{Kind: images.JobGC}), fault.Conflict)
			ok(t, b.ExpireImageJobs(b.ctx()))
			_, err := b.ImageJob(b.ctx(), old.ID)
			refused(t, err, fault.NotFound)
			same(t, "open", len(must(b.ImageJobs(b.ctx(), store.JobFilter{Open: true}))(t)), 200)
		},
		"jobs are read page by page": func(t *testing.T, b *bench) {
			for i := range 5 {
				askedFor(t, b, images.Job{Kind: images.JobGC})
				b.clock.Turn(time.Duration(i%2) * time.Second) // several are of one time
			}
			walked(t, "created", 5, func(p store.Page) ([]images.Job, error) { return b.ImageJobs(b.ctx(), store.JobFilter{Page: p}) },
				func(j images.Job) []string { return stamp(j.Created, j.ID) }, nil)
		},
		"a cache is asked to fetch an image until it says that it did": cacheWarms,
		"what a job asked of caches is taken back with it, but for what another asks": func(t *testing.T, b *bench) {
			c := images.Cache{Name: "c1", URL: "http://10.0.0.9:8088"}
			must(b.BeatCache(b.ctx(), c, "cache"))(t)
			one, two := askedFor(t, b, warmOf("sha256:a")), askedFor(t, b, warmOf("sha256:a", "c1"))
			must(b.CancelImageJob(b.ctx(), one.ID, "ann"))(t)
			same(t, "wanted", fmt.Sprint(must(b.BeatCache(b.ctx(), c, "cache"))(t)), "[sha256:a]")
			must(b.CancelImageJob(b.ctx(), two.ID, "ann"))(t)
			same(t, "wanted", fmt.Sprint(must(b.BeatCache(b.ctx(), c, "cache"))(t)), "[]")
			must(b.RetryImageJob(b.ctx(), two.ID, "ann"))(t)
			same(t, "wanted", fmt.Sprint(must(b.BeatCache(b.ctx(), c, "cache"))(t)), "[sha256:a]")
		},
	}
}

func cacheWarms(t *testing.T, b *bench) {
	job := warmOf("sha256:a")
	refused(t, b.CreateImageJob(b.ctx(), &job), fault.Conflict)
	c := images.Cache{Name: "c1", URL: "http://10.0.0.9:8088"}
	must(b.BeatCache(b.ctx(), c, "cache"))(t)
	for range 2 { // asked twice is asked once
		if j := askedFor(t, b, warmOf("sha256:a")); len(j.Result.Fills) != 1 || j.Result.Fills[0].Cache != "c1" {
			t.Errorf("%+v", j)
		}
	}
	last := askedFor(t, b, warmOf("sha256:b", "c1"))
	job = warmOf("sha256:a", "c1", "nobody")
	refused(t, b.CreateImageJob(b.ctx(), &job), fault.NotFound)
	if want := must(b.BeatCache(b.ctx(), c, "cache"))(t); fmt.Sprint(want) != "[sha256:a sha256:b]" {
		t.Errorf("%v", want)
	}
	c.Report.Warming = []images.Warm{{Digest: "sha256:a", Done: 3, Total: 3}, {Digest: "sha256:b", Error: "no way"}}
	if want := must(b.BeatCache(b.ctx(), c, "cache"))(t); len(want) != 0 {
		t.Errorf("%v", want)
	}
	refused(t, b.AskCaches(b.ctx(), last, "a"), fault.Conflict)
	for range 3 {
		must(b.ClaimImageJob(b.ctx(), "a", time.Minute, images.JobWarm))(t)
	}
	ok(t, b.AskCaches(b.ctx(), last, "a"))
	c.Report.Warming = nil
	if want := must(b.BeatCache(b.ctx(), c, "cache"))(t); fmt.Sprint(want) != "[sha256:b]" {
		t.Errorf("%v", want)
	}
}
