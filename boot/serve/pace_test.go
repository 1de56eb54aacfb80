package serve

import (
	"testing"
	"time"
)

const peerBurst = 200 // of journal.Paces

func TestAHostileHostDoesNotFillTheJournal(t *testing.T) {
	w := newWorld(t, nil)
	now := time.Unix(1_700_000_000, 0)
	w.server.Now = func() time.Time { return now }
	for range peerBurst + 50 {
		w.get("/boot/no-such-loader", 404)
	}
	if n := len(w.diary.events); n != peerBurst {
		t.Errorf("%d events of %d requests were journaled", n, peerBurst+50)
	}
	now = now.Add(time.Second)
	w.get("/boot/no-such-loader", 404)
	if e := w.diary.last(); len(w.diary.events) != peerBurst+1 || e.Detail["left_out"] != 50 {
		t.Errorf("after a second: %d events, the last %+v", len(w.diary.events), e)
	}
}
