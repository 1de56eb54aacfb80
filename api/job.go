package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/images"
	"rackwright/store"
)

type jobStore interface {
	// ImageJobs are newest first, without results and logs.
	ImageJobs(ctx context.Context, f store.JobFilter) ([]images.Job, error)
	ImageJob(ctx context.Context, id string) (*images.Job, error)
	// CreateImageJob is Conflict when too many have not ended. One that warms caches is
	// NotFound for an unknown one, Conflict when none is alive, and asks them at once.
	CreateImageJob(ctx context.Context, j *images.Job) error
	// CancelImageJob is Conflict once it has ended, RetryImageJob unless it failed or was cancelled.
	CancelImageJob(ctx context.Context, id, actor string) (*images.Job, error)
	RetryImageJob(ctx context.Context, id, actor string) (*images.Job, error)
}

// JobIn names a job.
type JobIn struct {
	Job string `path:"job" minLength:"1" maxLength:"64" doc:"Job id"`
}

type jobsIn struct {
	Kind string `query:"kind" enum:"verify,gc,warm" doc:"Only those of this kind"`
	Open bool   `query:"open" doc:"Only those that have not ended"`
	PageIn
}

// jobBegun answers what takes long: 202 with the job, or 200 with how it would be.
type jobBegun struct {
	Status   int
	Location string `header:"Location"`
	Body     images.Job
}

// jobs registers the long work of the catalogue.
func (s *server) jobs() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"jobs"}; return o }
	route(s, tag(op("GET", "/jobs", "list-jobs", "Long work of the catalogue of images, newest first")), s.listJobs)
	route(s, tag(op("GET", "/jobs/{job}", "get-job", "How far a job is, and what came of it")), func(ctx context.Context, in *JobIn) (*body[images.Job], error) {
		return s.jobBody(s.Store.ImageJob(ctx, in.Job))
	})
	steer := func(verb, summary string, turn func(st jobStore, ctx context.Context, id, actor string) (*images.Job, error)) {
		route(s, tag(op("POST", "/jobs/{job}/"+verb, verb+"-job", summary)), func(ctx context.Context, in *struct {
			JobIn
			TryIn
		}) (*body[images.Job], error) {
			return s.jobBody(tried(ctx, s, in.DryRun, func(ctx context.Context) (*images.Job, error) { return turn(s.Store, ctx, in.Job, actor(ctx)) }))
		})
	}
	steer("cancel", "End a job wherever it is; who does it stops within seconds", jobStore.CancelImageJob)
	steer("retry", "Begin a job again that failed or was cancelled", jobStore.RetryImageJob)
	s.jobKinds()
}

// jobKinds registers what begins jobs.
func (s *server) jobKinds() {
	begin := func(path, id, summary string) huma.Operation {
		o := op("POST", path, id, summary)
		o.Tags, o.DefaultStatus = []string{"jobs"}, http.StatusAccepted
		o.Responses = map[string]*huma.Response{"202": jsonResponse[images.Job](s, "The job that was begun; Location is where to follow it")}
		return o
	}
	tryable := func(o huma.Operation) huma.Operation {
		o.Responses["200"] = jsonResponse[images.Job](s, "Dry run: the job, and in its result what it would do")
		return o
	}
	route(s, begin("/images/check", "check-images", "Read all bytes of stored images and name what is damaged or missing"),
		func(ctx context.Context, in *struct {
			Image string `query:"image" maxLength:"128" doc:"Image id or name; every image when it is missing"`
		}) (*jobBegun, error) {
			j := images.Job{Kind: images.JobVerify}
			if in.Image != "" {
				img, err := s.Store.Image(ctx, in.Image)
				if err != nil {
					return nil, err
				}
				j.Image = img.Name
			}
			return s.beginJob(ctx, j, false)
		})
	route(s, tryable(begin("/images/collect", "collect-images", "Remove stored bytes that no image needs; the server does it every hour, too")),
		func(ctx context.Context, in *TryIn) (*jobBegun, error) {
			return s.beginJob(ctx, images.Job{Kind: images.JobGC}, in.DryRun)
		})
	route(s, tryable(begin("/caches/actions/warm", "warm-caches", "Have caches fetch an image before anybody asks for it")),
		func(ctx context.Context, in *struct {
			TryIn
			Body wire.CacheWarm
		}) (*jobBegun, error) {
			img, err := s.Store.Image(ctx, in.Body.Image)
			if err != nil {
				return nil, err
			}
			j := images.Job{Kind: images.JobWarm, Image: img.Name, Digest: img.Digest}
			for _, c := range in.Body.Caches {
				j.Result.Fills = append(j.Result.Fills, images.Fill{Cache: c})
			}
			begun, err := s.beginJob(ctx, j, in.DryRun)
			if err == nil && in.DryRun {
				begun.Body.Progress.AllBytes = img.Stored * int64(len(begun.Body.Result.Fills))
				for i := range begun.Body.Result.Fills {
					begun.Body.Result.Fills[i].Bytes = img.Stored
				}
			}
			return begun, err
		})
}

// beginJob begins a job, or says how it would be.
func (s *server) beginJob(ctx context.Context, j images.Job, dry bool) (*jobBegun, error) {
	if s.Depot == nil {
		return nil, noDepot()
	}
	j.Actor = actor(ctx)
	if _, err := tried(ctx, s, dry, func(ctx context.Context) (any, error) { return nil, s.Store.CreateImageJob(ctx, &j) }); err != nil {
		return nil, err
	}
	if !dry {
		s.concerns(ctx, "job", string(j.Kind), j.ID)
		return &jobBegun{http.StatusAccepted, wire.Prefix + "/jobs/" + j.ID, j}, nil
	}
	if j.ID = ""; j.Kind == images.JobGC {
		gone, err := s.Depot.Collectable(ctx)
		if err != nil {
			return nil, err
		}
		j.Result.Removed = &gone
	}
	return &jobBegun{Status: http.StatusOK, Body: j}, nil
}

func (s *server) listJobs(ctx context.Context, in *jobsIn) (*body[wire.List[images.Job]], error) {
	begun := byTime("-created", func(j *images.Job) (time.Time, string) { return j.Created, j.ID })
	out, err := keyset(ctx, in.BehindIn, in.Limit, begun, func(p store.Page) ([]images.Job, error) {
		return s.Store.ImageJobs(ctx, store.JobFilter{Kind: images.JobKind(in.Kind), Open: in.Open, Page: p})
	})
	if err == nil {
		for i := range out.Body.Items {
			out.Body.Items[i].Estimate(s.Now())
		}
	}
	return out, err
}

func (s *server) jobBody(j *images.Job, err error) (*body[images.Job], error) {
	if err != nil {
		return nil, err
	}
	j.Estimate(s.Now())
	return &body[images.Job]{*j}, nil
}
