package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/access"
	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/ticket"
	"rackwright/store"
)

type cacheStore interface {
	Caches(ctx context.Context) ([]images.Cache, error)
	// BeatCache is Invalid for a rack that there is not; it returns what the cache is to fetch.
	BeatCache(ctx context.Context, c images.Cache, actor string) ([]string, error)
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
		list, err := s.cachesInSight(ctx)
		return pageOf(ctx, *in, byName(func(c *images.Cache) string { return c.Name }), list, err)
	})
	route(s, tag(op("GET", "/caches/{cache}", "get-cache", "One cache")), func(ctx context.Context, in *CacheIn) (*cacheOut, error) {
		c, err := s.cacheInSight(ctx, in.Cache)
		if err != nil {
			return nil, err
		}
		return &cacheOut{ETag: placeTag(c), Body: *c}, nil
	})
	beat := tag(op("PUT", "/caches/{cache}", "beat-cache", "What a cache says of itself, every few seconds; agents are sent to it as long as it does"))
	beat.Metadata = map[string]any{blind: true}
	route(s, beat, s.beatCache)
	route(s, removal[images.Cache](s, op("DELETE", "/caches/{cache}", "forget-cache", "Forget a cache; one that is alive is back with its next word"), "images"), s.forgetCache)
}

type cacheOut struct {
	ETag string `header:"ETag"`
	Body images.Cache
}

// placeTag is the version of a cache: where it is. How it stands is another every few seconds.
func placeTag(c *images.Cache) string {
	sum := sha256.Sum256([]byte(c.URL + "\x00" + c.Rack + "\x00" + c.Site))
	return strconv.Quote(hex.EncodeToString(sum[:4]))
}

// cachesInSight are those of the caller's scope.
func (s *server) cachesInSight(ctx context.Context) ([]images.Cache, error) {
	list, err := s.Store.Caches(ctx)
	return slices.DeleteFunc(list, func(c images.Cache) bool { return s.atCache(ctx, access.Read, c) != nil }), err
}

func (s *server) cacheInSight(ctx context.Context, name string) (*images.Cache, error) {
	list, err := s.cachesInSight(ctx)
	return named(list, err, "cache", name, func(c *images.Cache) string { return c.Name })
}

func (s *server) forgetCache(ctx context.Context, in *struct {
	CacheIn
	TryIn
}) (*removed, error) {
	which, err := s.cacheInSight(ctx, in.Cache)
	if err != nil {
		return nil, err
	}
	_, err = tried(ctx, s, in.DryRun, func(ctx context.Context) (any, error) { return nil, s.Store.ForgetCache(ctx, in.Cache, actor(ctx)) })
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
	want, err := s.Store.BeatCache(store.Bounded(ctx, scopeOf(ctx)), c, actor(ctx))
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
