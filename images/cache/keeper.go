package cache

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/ticket"
)

// Orders is what a cache is told when it says how it stands.
type Orders struct {
	Key    []byte   // that tickets are signed with
	Ticket string   // of its own, to fetch what it is asked for
	Want   []string // digests of images to fetch before anybody asks
}

// Keeper tells the service of a cache, again and again: agents are sent to it as long as it
// is heard of. All fields are required.
type Keeper struct {
	Cache *Cache
	Door  *ticket.Door
	Self  images.Cache                                              // name, address, place
	Sent  func() (bytes int64, now int)                             // to agents
	Tell  func(ctx context.Context, c images.Cache) (Orders, error) // the service
	Log   *slog.Logger
	Every time.Duration // 0: images.CacheBeat

	mu   sync.Mutex
	warm []images.Warm
	stop map[string]context.CancelFunc // by digest: what is being fetched
}

// String names the task.
func (k *Keeper) String() string { return "chunk cache" }

// Run tells until ctx ends. A service that does not answer changes nothing else: what is
// there is given out to whoever has a ticket of the key last heard of.
func (k *Keeper) Run(ctx context.Context) error {
	if err := k.recall(); err != nil {
		return err
	}
	var hands sync.WaitGroup
	defer hands.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	every := k.Every
	if every == 0 {
		every = images.CacheBeat
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var last beat
	silent := false
	for {
		orders, err := k.tell(ctx, &last)
		switch {
		case err == nil:
			silent = false
			k.obey(ctx, orders, &hands)
		case ctx.Err() == nil && !silent:
			silent = true
			k.Log.Warn("the cache is not told of: agents are not sent to it", "error", err, "hint", fault.HintOf(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// beat is what was sent when the service was last told.
type beat struct {
	at   time.Time
	sent int64
}

func (k *Keeper) tell(ctx context.Context, last *beat) (Orders, error) {
	ctx, cancel := context.WithTimeout(ctx, images.CacheLife)
	defer cancel()
	c, n, now := k.Self, k.Cache.Counts(), k.Cache.Now()
	sent, sending := k.Sent()
	c.Report = images.CacheReport{Version: c.Report.Version, Max: k.Cache.Max, Held: n.Held, Chunks: n.Chunks, Hits: n.Hits, Misses: n.Misses, Fetched: n.Fetched,
		Sent: sent, Sending: sending, Warming: k.warming(), Upstream: k.Cache.Upstream}
	if past := now.Sub(last.at).Seconds(); !last.at.IsZero() && past > 0 {
		c.Report.Rate = float64(sent-last.sent) / past
	}
	*last = beat{now, sent}
	return k.Tell(ctx, c)
}

func (k *Keeper) obey(ctx context.Context, o Orders, hands *sync.WaitGroup) {
	if err := k.remember(o.Key); err != nil {
		k.Log.Warn("the key of tickets is not kept: after a restart the cache needs the service first", "error", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.warm = slices.DeleteFunc(k.warm, func(w images.Warm) bool { return w.Ended() && !slices.Contains(o.Want, w.Digest) })
	for digest, stop := range k.stop {
		if !slices.Contains(o.Want, digest) { // it was taken back
			stop()
		}
	}
	busy := slices.ContainsFunc(k.warm, func(w images.Warm) bool { return !w.Ended() })
	for _, digest := range o.Want {
		if busy || len(k.warm) >= 100 || slices.ContainsFunc(k.warm, func(w images.Warm) bool { return w.Digest == digest }) {
			continue
		}
		busy = true // one after the other: agents come first
		k.warm = append(k.warm, images.Warm{Digest: digest})
		ctx, stop := context.WithCancel(ctx)
		if k.stop == nil {
			k.stop = map[string]context.CancelFunc{}
		}
		k.stop[digest] = stop
		hands.Go(func() {
			err := k.Cache.Warm(ctx, digest, o.Ticket, func(done, total int) {
				k.warmed(digest, func(w *images.Warm) { w.Done, w.Total = max(w.Done, done), total })
			})
			k.stopped(digest)
			k.warmed(digest, func(w *images.Warm) {
				if err != nil {
					w.Error = err.Error()[:min(len(err.Error()), 500)]
				} else if w.Total == 0 { // nothing but zeros
					w.Done, w.Total = 1, 1
				}
			})
		})
	}
}

// stopped forgets how to stop what has ended.
func (k *Keeper) stopped(digest string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stop[digest]()
	delete(k.stop, digest)
}

func (k *Keeper) warmed(digest string, change func(*images.Warm)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.warm {
		if k.warm[i].Digest == digest {
			change(&k.warm[i])
		}
	}
}

func (k *Keeper) warming() []images.Warm {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.warm)
}

// keyFile holds the public key of tickets, so that a cache that starts while the service is
// away knows whom to let in.
const keyFile = "tickets.pub"

func (k *Keeper) recall() error {
	key, err := os.ReadFile(filepath.Join(k.Cache.Dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return k.Cache.diskFault(err)
	}
	if len(key) == ed25519.PublicKeySize {
		k.Door.Rekey(key)
	}
	return nil
}

func (k *Keeper) remember(key []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return fault.Invalidf("the service sent a key of %d bytes", len(key))
	}
	k.Door.Rekey(key)
	path := filepath.Join(k.Cache.Dir, keyFile)
	if old, err := os.ReadFile(path); err == nil && slices.Equal(old, key) {
		return nil
	}
	if err := os.WriteFile(path+".new", key, 0o640); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
