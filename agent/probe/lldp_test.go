package probe

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// flap is a port that is away, then comes up, speaks once and goes down, over and over.
type flap struct {
	opened, said int
	heard        func()
}

func (f *flap) open(string) (ear, error) {
	if f.opened++; f.opened == 1 {
		return nil, errors.New("no such port")
	}
	f.said = 0
	return f, nil
}

func (f *flap) ReadFrom(frame []byte) (int, net.Addr, error) {
	if f.said++; f.said > 1 || f.opened == 2 { // down before anything was heard
		return 0, nil, unix.ENETDOWN
	}
	f.heard()
	return copy(frame, sampleLLDP()), nil, nil
}

func (f *flap) SetReadDeadline(time.Time) error { return nil }
func (f *flap) Close() error                    { return nil }

func TestAPortThatWentDownIsListenedOnAgain(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	port, heard := &flap{}, 0
	port.heard = func() {
		if heard++; heard == 3 {
			stop()
		}
	}
	l := &Listener{open: port.open, pause: func(ctx context.Context, d time.Duration) error {
		if d != listenAgain {
			t.Errorf("waited %s", d)
		}
		return ctx.Err()
	}}
	l.listen(ctx, []string{"eth0"})
	l.Wait()
	if len(l.Heard()) != 1 || heard != 3 || port.opened != 5 {
		t.Errorf("%d neighbours, heard %d times by %d sockets", len(l.Heard()), heard, port.opened)
	}
}
