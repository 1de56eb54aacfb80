package cache_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/cache"
	"rackwright/images/imagetest"
	"rackwright/images/ticket"
)

// desk is the service that a keeper tells.
type desk struct {
	mu   sync.Mutex
	give cache.Orders
	err  error
	got  []images.Cache
}

func (d *desk) tell(_ context.Context, c images.Cache) (cache.Orders, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, c)
	return d.give, d.err
}

// said waits until something of the sort was said.
func (d *desk) said(t *testing.T, what string, is func(images.Cache) bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		d.mu.Lock()
		found := slices.ContainsFunc(d.got, is)
		d.mu.Unlock()
		if found {
			return
		}
	}
	t.Fatalf("%s: not within 20 s", what)
}

func keep(t *testing.T, c *cache.Cache, d *desk) (*ticket.Door, func()) {
	door := ticket.NewDoor(nil, time.Now)
	k := &cache.Keeper{Cache: c, Door: door, Self: images.Cache{Name: "r1", URL: "http://10.0.0.1:8088"}, Sent: func() (int64, int) { return 42, 1 }, Tell: d.tell,
		Log: slog.New(slog.DiscardHandler), Every: 5 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- k.Run(ctx) }()
	return door, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// hold has the upstream hold an image of three chunks, and returns its digest.
func (u *upstream) hold(t *testing.T) string {
	t.Helper()
	m, frames, err := imagetest.Pack(frame(3*mib, 1))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(u.frames, frames)
	text, digest, _ := m.Encode()
	u.frames[digest[len("sha256:"):]] = text
	return digest
}

func TestACacheTellsHowItStandsAndFetchesWhatItIsAsked(t *testing.T) {
	public, key, _ := ed25519.GenerateKey(nil)
	u := newUpstream(t)
	digest := u.hold(t)
	dir := t.TempDir()
	c := open(t, dir, u.URL, 64*mib)
	d := &desk{give: cache.Orders{Key: public, Ticket: "good", Want: []string{digest, "sha256:zz"}}}
	door, stop := keep(t, c, d)
	d.said(t, "the image is there", func(c images.Cache) bool {
		return slices.ContainsFunc(c.Report.Warming, func(w images.Warm) bool { return w.Digest == digest && w.Ended() && w.Error == "" })
	})
	d.said(t, "what is no image says why", func(c images.Cache) bool {
		return slices.ContainsFunc(c.Report.Warming, func(w images.Warm) bool { return w.Digest != digest && w.Error != "" })
	})
	if _, err := door.Admit(ticket.New(key, ticket.Ticket{Until: time.Now().Add(time.Hour)})); err != nil {
		t.Error(err)
	}
	stop()
	c.Close()

	c = open(t, dir, u.URL, 64*mib) // the next start, and nobody answers
	d = &desk{err: fault.Unreachablef("away")}
	door, stop = keep(t, c, d)
	d.said(t, "anything", func(images.Cache) bool { return true })
	if _, err := door.Admit(ticket.New(key, ticket.Ticket{Until: time.Now().Add(time.Hour)})); err != nil {
		t.Errorf("a ticket of the key known from before: %v", err)
	}
	stop()
}

func TestACacheStopsFetchingWhatIsTakenBack(t *testing.T) {
	public, _, _ := ed25519.GenerateKey(nil)
	u := newUpstream(t)
	digest := u.hold(t)
	u.gate = make(chan struct{}) // nothing comes to its end
	defer close(u.gate)
	d := &desk{give: cache.Orders{Key: public, Ticket: "good", Want: []string{digest}}}
	_, stop := keep(t, open(t, t.TempDir(), u.URL, 64*mib), d)
	defer stop()
	d.said(t, "it fetches", func(c images.Cache) bool { return len(c.Report.Warming) == 1 && !c.Report.Warming[0].Ended() })
	d.mu.Lock()
	d.give.Want, d.got = nil, nil
	d.mu.Unlock()
	d.said(t, "it fetches no more", func(c images.Cache) bool { return len(c.Report.Warming) == 0 })
}
