package current_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/boot/current"
)

// source is a store that is there or away.
type source struct {
	mu       sync.Mutex
	revision int64
	away     bool
	changed  chan struct{}
}

func (s *source) Revision(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return 0, errors.New("away")
	}
	return s.revision, nil
}

func (s *source) View(ctx context.Context) (*boot.View, error) {
	n, err := s.Revision(ctx)
	return boot.NewView(n, nil, nil), err
}

func (s *source) Changed() (<-chan struct{}, func()) { return s.changed, func() {} }

func (s *source) set(revision int64, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision, s.away = revision, away
}

func TestTheViewFollowsAndOutlivesTheStore(t *testing.T) {
	s := &source{revision: 1, changed: make(chan struct{}, 1)}
	f, err := current.New(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil || f.View().Revision != 1 {
		t.Fatalf("first view: %v", err)
	}
	s.set(2, false)
	if err := f.Refresh(t.Context()); err != nil || f.View().Revision != 2 {
		t.Errorf("view is of revision %d: %v", f.View().Revision, err)
	}
	s.set(3, true)
	if err := f.Refresh(t.Context()); err == nil || f.View().Revision != 2 {
		t.Errorf("with the store away: error %v, view of revision %d", err, f.View().Revision)
	}
}

func TestASignalledChangeIsTakenAtOnce(t *testing.T) {
	s := &source{revision: 1, changed: make(chan struct{}, 1)}
	f, err := current.New(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go f.Run(ctx)
	s.set(7, false)
	s.changed <- struct{}{}
	for f.View().Revision != 7 {
		select {
		case <-ctx.Done():
			t.Fatal("the view was not refreshed")
		case <-time.After(time.Millisecond):
		}
	}
}
