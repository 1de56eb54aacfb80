package agent_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"rackwright/agent/wire"
)

// near is a source of the server's chunks on plain HTTP; spoil may change a frame.
func (b *bench) near(t *testing.T, spoil func([]byte) []byte) (wire.Source, *atomic.Int32) {
	t.Helper()
	served := &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer ticket" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		served.Add(1)
		_, _ = w.Write(spoil(append([]byte(nil), b.Frames[strings.TrimPrefix(r.URL.Path, "/chunks/")]...)))
	}))
	t.Cleanup(s.Close)
	return wire.Source{URL: s.URL + "/chunks", Ticket: "ticket"}, served
}

func TestChunksComeFromTheNearSource(t *testing.T) {
	b := newBench(t, 48)
	near, served := b.near(t, func(frame []byte) []byte { return frame })
	o := b.order("S1")
	o.Write.Sources = []wire.Source{{URL: "http://127.0.0.1:1/dead"}, near}
	b.Order(o)
	stop, _ := b.run(t)
	b.await(t, wire.Completed)
	_ = stop()
	b.holdsImage(t, b.disks[1])
	if served.Load() == 0 || int(served.Load())+len(b.Chunks()) < len(b.Frames) { // how many each gives is agent/fetch's to prove
		t.Errorf("the near source gave %d chunks, the server %d of %d", served.Load(), len(b.Chunks()), len(b.Frames))
	}
}

func TestASourceWithWrongBytesSpoilsNothing(t *testing.T) {
	b := newBench(t, 48)
	liar, _ := b.near(t, func(frame []byte) []byte { frame[len(frame)/2] ^= 1; return frame })
	cutter, _ := b.near(t, func(frame []byte) []byte { return frame[:len(frame)/2] })
	o := b.order("S1")
	o.Write.Sources = []wire.Source{liar, cutter}
	b.Order(o)
	stop, _ := b.run(t)
	b.await(t, wire.Completed)
	_ = stop()
	b.holdsImage(t, b.disks[1])
}

func TestASecondDeploymentKeepsWhatTheDiskHolds(t *testing.T) {
	b := newBench(t, 48)
	b.Order(b.order("S1"))
	o := b.order("S1")
	o.ID = "o2"
	b.Order(o)
	stop, _ := b.run(t)
	if _, err := b.Await(deadline, func(e wire.Event) bool { return e.Stage == wire.Completed && e.Order == "o2" }); err != nil {
		t.Fatal(b.Events())
	}
	_ = stop()
	b.holdsImage(t, b.disks[1])
	if asked := len(b.Chunks()); asked > len(b.Frames)+2 {
		t.Errorf("%d chunks were asked for by two deployments of %d chunks", asked, len(b.Frames))
	}
}
