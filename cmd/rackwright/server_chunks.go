package main

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/go-chi/chi/v5"

	agentserve "rackwright/agent/serve"
	"rackwright/boot"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/cache"
	chunkserve "rackwright/images/serve"
	"rackwright/images/ticket"
)

// signer makes the tickets that agents and caches fetch chunks by.
func (s *server) signer() signer { return signer{s.key.Signer(ticket.Purpose)} }

// addChunks gives out chunks beside the boot files, and says where agents fetch. Encrypted,
// they fetch from the agents' server alone.
func (s *server) addChunks(plain chi.Router, agents *agentserve.Server, public netip.Addr, port uint16) error {
	if s.cfg.Images.Encrypted {
		return nil
	}
	sign := s.signer()
	door := ticket.NewDoor(ed25519.PublicKey(sign.Key()), time.Now)
	shelf, meter := chunkserve.Shelves{Store: s.blobs}, &chunkserve.Meter{}
	if s.cfg.Cache.Upstream != "" {
		c, err := s.addCache(public, meter)
		if err != nil {
			return err
		}
		shelf.Cache, agents.Bytes = c, farBytes{agents.Bytes, c, sign}
	}
	h := &chunkserve.Server{Shelf: shelf, Door: door, Meter: meter, Log: s.log}
	plain.Handle(chunkserve.Chunks+"*", h)
	plain.Handle(chunkserve.Manifests+"*", h)
	agents.Near = agentserve.Near{Caches: s.db, Ticket: sign.Issue}
	if s.cfg.HTTP.Enabled {
		agents.Near.Base = func(r *http.Request) string { return boot.BaseURL(reachedAt(r, public), port) }
	}
	return nil
}

// farBytes are a server's own images, and behind them those that its cache fetches.
type farBytes struct {
	agentserve.Bytes
	cache *cache.Cache
	sign  signer
}

// fetchLimit is how long an agent's request may wait for the upstream.
const fetchLimit = time.Minute

func (b farBytes) ticket() string {
	return b.sign.Issue(ticket.Ticket{Holder: "server", Until: time.Now().Add(time.Hour)})
}

// Manifest reads a manifest here, else at the upstream.
func (b farBytes) Manifest(digest string) ([]byte, error) {
	text, err := b.Bytes.Manifest(digest)
	if !fault.Is(err, fault.NotFound) {
		return text, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	defer cancel()
	return b.cache.Manifest(ctx, digest, b.ticket())
}

// Chunk opens a chunk of ours, else one that the cache has, or fetches now.
func (b farBytes) Chunk(blob string) (*os.File, error) {
	f, err := b.Bytes.Chunk(blob)
	if !fault.Is(err, fault.NotFound) {
		return f, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	defer cancel()
	f, growing, err := b.cache.Chunk(ctx, blob, b.ticket())
	if err != nil || growing == nil {
		return f, err
	}
	if _, err := growing.Grown(ctx, growing.Size()-1); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// addCache makes this server a cache of another one's images, and has it told of.
func (s *server) addCache(public netip.Addr, meter *chunkserve.Meter) (*cache.Cache, error) {
	o := s.cfg.Cache
	where := ""
	if port, err := portOf(s.cfg.HTTP.Listen); err == nil && public.IsValid() {
		where = boot.BaseURL(public, port)
	}
	url, err := cacheURL(where, o.Upstream, s.cfg.HTTP.Listen)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname()
	p, err := openCache(cache.Options{Dir: o.Dir, Max: int64(o.MaxGiB) << 30, Upstream: o.Upstream, Log: s.log, Now: time.Now},
		images.Cache{Name: cacheName(host), URL: url, Rack: o.Rack, Report: images.CacheReport{Version: version()}}, s.log)
	if err != nil {
		return nil, err
	}
	sign := s.signer()
	p.keeper.Sent = func() (int64, int) { return meter.Bytes(), meter.Now() }
	p.keeper.Tell = func(ctx context.Context, c images.Cache) (cache.Orders, error) {
		want, err := s.db.BeatCache(ctx, c, "server")
		return cache.Orders{Key: sign.Key(), Ticket: sign.Issue(ticket.Ticket{Holder: "cache " + c.Name, Until: time.Now().Add(time.Hour)}), Want: want}, err
	}
	s.add(true, s.whenKnown(p.keeper)...)
	return p.cache, nil
}
