package broker

import (
	"context"
	"sync"
	"sync/atomic"

	"rackwright/bmc"
	"rackwright/fault"
)

// share is the Controller that is given out: each call waits for its turn.
type share struct {
	way         way
	certificate string
	end         func(context.Context) error

	once   sync.Once
	closed atomic.Bool
}

var _ bmc.Controller = (*share)(nil)

// Certificate implements bmc.Controller.
func (s *share) Certificate() string { return s.certificate }

// Close gives the share back, and closes the session if it was one of its own.
func (s *share) Close(ctx context.Context) (err error) {
	s.once.Do(func() {
		s.closed.Store(true)
		err = s.end(ctx)
	})
	return err
}

// Stream implements bmc.Controller. It takes nobody's turn, and ends with the session.
func (s *share) Stream(ctx context.Context, see func(bmc.Entry)) error {
	if err := s.open(); err != nil {
		return err
	}
	return s.way.stream(ctx, func(ctx context.Context, c bmc.Controller) error { return c.Stream(ctx, see) })
}

// WatchConsole implements bmc.Controller, like Stream.
func (s *share) WatchConsole(ctx context.Context, v bmc.ConsoleView) error {
	if err := s.open(); err != nil {
		return err
	}
	return s.way.stream(ctx, func(ctx context.Context, c bmc.Controller) error { return c.WatchConsole(ctx, v) })
}

func (s *share) open() error {
	if s.closed.Load() {
		return fault.Conflictf("this hand at the BMC was given back")
	}
	return nil
}

// change makes a call that changes something: one at a time.
func (s *share) change(ctx context.Context, call func(context.Context, bmc.Controller) error) error {
	if err := s.open(); err != nil {
		return err
	}
	return s.way.do(ctx, &turn{kind: changing}, false, call)
}

// ask makes a read. keep says that sweeps may have its answer for a while.
func ask[T any](ctx context.Context, s *share, key string, keep bool, call func(bmc.Controller, context.Context) (T, error)) (T, error) {
	if err := s.open(); err != nil {
		var none T
		return none, err
	}
	return read(ctx, s.way, key, keep, func(ctx context.Context, c bmc.Controller) (T, error) { return call(c, ctx) })
}
