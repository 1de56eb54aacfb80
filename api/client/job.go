package client

import (
	"context"
	"net/http"
	"net/url"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/images"
)

// JobQuery narrows a list of jobs; empty fields do not.
type JobQuery struct {
	Kind string
	Open bool
}

// Jobs lists long work of the catalogue, newest first.
func (c *Client) Jobs(ctx context.Context, q JobQuery) ([]images.Job, error) {
	return all[images.Job](ctx, c, "/jobs", query("kind", q.Kind, "open", flag(q.Open)))
}

// Job returns a job.
func (c *Client) Job(ctx context.Context, id string) (images.Job, error) {
	return call[images.Job](ctx, c, http.MethodGet, "/jobs/"+url.PathEscape(id), nil, nil)
}

// CancelJob ends a job that has not ended.
func (c *Client) CancelJob(ctx context.Context, id string) (images.Job, error) {
	return call[images.Job](ctx, c, http.MethodPost, "/jobs/"+url.PathEscape(id)+"/cancel", nil, nil)
}

// RetryJob begins a job again that failed or was cancelled.
func (c *Client) RetryJob(ctx context.Context, id string) (images.Job, error) {
	return call[images.Job](ctx, c, http.MethodPost, "/jobs/"+url.PathEscape(id)+"/retry", nil, nil)
}

// AwaitJob waits until a job has ended. One that failed is the fault that it failed with,
// one that was cancelled a Conflict. tell, when not nil, is called with how far it is.
func (c *Client) AwaitJob(ctx context.Context, id string, tell func(images.Job)) (images.Job, error) {
	j, err := awaited(ctx, c, func() (images.Job, error) { return c.Job(ctx, id) }, func(j images.Job) bool { return j.State.Ended() }, tell, "rackwright job show "+id)
	switch {
	case err != nil:
	case j.State == images.JobFailed:
		err = failed(j.Fault, j.Error, j.Hint)
	case j.State == images.JobCancelled:
		err = fault.Conflictf("job %s was cancelled", id).WithHint("'rackwright job show %s' says by whom; 'rackwright job retry %s' begins it again", id, id)
	}
	return j, err
}

// CheckImages has the server read all bytes of an image, "" for every one.
func (c *Client) CheckImages(ctx context.Context, image string) (images.Job, error) {
	return call[images.Job](ctx, c, http.MethodPost, "/images/check", query("image", image), nil)
}

// CollectImages has the server remove bytes that no image needs.
func (c *Client) CollectImages(ctx context.Context) (images.Job, error) {
	return call[images.Job](ctx, c, http.MethodPost, "/images/collect", nil, nil)
}

// WarmCaches has caches fetch an image; none named: all that are alive.
func (c *Client) WarmCaches(ctx context.Context, w wire.CacheWarm) (images.Job, error) {
	return call[images.Job](ctx, c, http.MethodPost, "/caches/actions/warm", nil, w)
}
