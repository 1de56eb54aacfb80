package api

import (
	"context"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/ticket"
)

type cacheStore interface {
	Caches(ctx context.Context) ([]images.Cache, error)
	// BeatCache is Invalid for a rack that there is not; it returns what the cache is to fetch.
	BeatCache(ctx context.Context, c images.Cache, actor string) ([]string, error)
	// WarmCaches is NotFound for an unknown name, Conflict when no cache is alive.
	WarmCaches(ctx context.Context, digest string, names []string, actor string) ([]images.Cache, error)
	ForgetCache(ctx context.Context, name, actor string) error
}

// Tickets lets caches and agents fetch chunks.
type Tickets interface {
	// Key is the public key that tickets are checked with.
	Key() []byte
	Issue(t ticket.Ticket) string
}

// ownTicket is how long a cache may fetch by the ticket it is given with each word.
const ownTicket = time.Hour

// CacheIn names a cache.
type CacheIn struct {
	Cache string `path:"cache" minLength:"1" maxLength:"63" doc:"Name of the cache"`
}

// caches registers the caches of chunks.
func (s *server) caches() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"images"}; return o }
	route(s, tag(op("GET", "/caches", "list-caches", "Caches of image chunks, by name")), func(ctx context.Context, in *PageIn) (*body[wire.List[images.Cache]], error) {
		list, err := s.Store.Caches(ctx)
		list = slices.DeleteFunc(list, func(c images.Cache) bool { return s.atCache(ctx, access.Read, c) != nil })
		return pageOf(ctx, *in, func(c *images.Cache) string { return c.Name }, list, err)
	})
	route(s, tag(op("PUT", "/caches/{cache}", "beat-cache", "What a cache says of itself, every few seconds; agents are sent to it as long as it does")), s.beatCache)
	route(s, removal[images.Cache](s, op("DELETE", "/caches/{cache}", "forget-cache", "Forget a cache; one that is alive is back with its next word"), "images"), s.forgetCache)
	route(s, tag(op("POST", "/caches/actions/warm", "warm-caches", "Have caches fetch an image before anybody asks for it")),
		func(ctx context.Context, in *struct{ Body wire.CacheWarm }) (*body[wire.List[images.Cache]], error) {
			img, err := s.Store.Image(ctx, in.Body.Image)
			if err != nil {
				return nil, err
			}
			return listOf(s.Store.WarmCaches(ctx, img.Digest, in.Body.Caches, actor(ctx)))
		})
}

func (s *server) forgetCache(ctx context.Context, in *struct {
	CacheIn
	TryIn
}) (*removed, error) {
	var which images.Cache
	if in.DryRun {
		list, err := s.Store.Caches(ctx)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, func(c images.Cache) bool { return c.Name == in.Cache }); i >= 0 {
			which = list[i]
		}
	}
	_, err := tried(ctx, s, in.DryRun, func(ctx context.Context) (any, error) { return nil, s.Store.ForgetCache(ctx, in.Cache, actor(ctx)) })
	return removedOf(in.DryRun, which, err)
}

func (s *server) beatCache(ctx context.Context, in *struct {
	CacheIn
	Body wire.CacheBeat
}) (*body[wire.CacheOrders], error) {
	if s.Tickets == nil {
		return nil, fault.Conflictf("images are sent encrypted here: a cache has no use").WithHint("unset images.encrypted in the server's configuration, or end the cache")
	}
	b := in.Body
	c := images.Cache{Name: in.Cache, URL: b.URL, Rack: b.Rack, Site: b.Site, Report: b.Report}
	if err := s.mayBeat(ctx, c); err != nil {
		return nil, err
	}
	want, err := s.Store.BeatCache(ctx, c, actor(ctx))
	if err != nil {
		return nil, err
	}
	own := s.Tickets.Issue(ticket.Ticket{Holder: "cache " + in.Cache, Until: s.Now().Add(ownTicket)})
	return &body[wire.CacheOrders]{wire.CacheOrders{Key: s.Tickets.Key(), Ticket: own, Want: want}}, nil
}

// atCache asks whether the caller has a right where a cache stands.
func (s *server) atCache(ctx context.Context, right access.Right, c images.Cache) error {
	if c.Rack != "" {
		return s.atRack(ctx, right, c.Rack)
	}
	return access.Allow(callOf(ctx).caller, right, access.Place{Site: c.Site})
}

// mayBeat refuses a cache out of the caller's scope, and the name of another that is.
func (s *server) mayBeat(ctx context.Context, c images.Cache) error {
	if scopeOf(ctx).Whole() {
		return nil
	}
	if err := s.atCache(ctx, access.Serve, c); err != nil {
		return err
	}
	list, err := s.Store.Caches(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(o images.Cache) bool { return o.Name == c.Name })
	if at >= 0 && s.atCache(ctx, access.Serve, list[at]) != nil {
		return fault.Conflictf("another cache is called %s", c.Name).WithHint("give this one another --name")
	}
	return nil
}
