package redfish

import (
	"context"
	"errors"
	"net"
	"time"
)

// alive is the context of the BMC's present life: it ends with a restart and with Run.
func (s *Service) alive() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life
}

// background runs f for as long as the BMC does not restart. cancel, if given, gets a
// function that ends it earlier.
func (s *Service) background(f func(context.Context), cancel ...*context.CancelFunc) {
	ctx, end := context.WithCancel(s.alive())
	for _, c := range cancel {
		*c = end
	}
	s.working.Add(1)
	go func() {
		defer s.working.Done()
		defer end()
		f(ctx)
	}()
}

// restart has the BMC start anew, after what is being answered is answered.
func (s *Service) restart() {
	select {
	case s.restarts <- struct{}{}:
	default: // one is due already
	}
}

// begins is the start of a new life, with what a BMC keeps in its flash only.
func (s *Service) begins(ctx context.Context) {
	s.mu.Lock()
	if s.dies != nil {
		s.dies()
	}
	s.life, s.dies = context.WithCancel(ctx)
	s.mu.Unlock()
	now := s.now()
	s.mu.Lock()
	s.born = now
	s.mu.Unlock()
	s.started(true)
	s.note(s.bmcLog, managerPath, hapStarted, s.bmcVersion())
}

// dead is what is lost in a restart.
func (s *Service) dead() {
	s.mu.Lock()
	s.dies()
	s.mu.Unlock()
	s.working.Wait()
	s.sessions.end(func(session) bool { return true })
	s.tasks.forget()
	s.events.forget()
	s.updates.mu.Lock()
	s.updates.targets, s.updates.apply, s.updates.claimed, s.updates.judges, s.updates.anchors = nil, applyNow, false, false, nil
	s.updates.mu.Unlock()
}

// away waits as long as the BMC is gone; what comes meanwhile is cut off. false: ctx ended.
func (s *Service) away(ctx context.Context, port *port) bool {
	s.Logger.Info("bmc restarts", "machine", s.Machine.Name)
	timer := time.NewTimer(s.Machine.BMC.Restart)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case c := <-port.conns:
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset, not a polite end
			}
			c.Close()
		}
	}
}

// acceptPause is the wait before the next try to take a connection.
const acceptPause = 50 * time.Millisecond

// port is the BMC's listener over all its lives: Close ends a life's listening only.
type port struct {
	net.Listener
	conns  chan net.Conn
	err    error
	ended  chan struct{} // closed when the listener itself ends
	closed chan struct{} // closed when nobody serves any more
}

func newPort(l net.Listener) *port {
	p := &port{Listener: l, conns: make(chan net.Conn), ended: make(chan struct{}), closed: make(chan struct{})}
	go p.accept()
	return p
}

// shut ends the listening for good.
func (p *port) shut() {
	close(p.closed)
	p.Listener.Close()
	<-p.ended
}

func (p *port) accept() {
	defer close(p.ended)
	for {
		c, err := p.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			p.err = err
			return
		case err != nil: // out of file descriptors, perhaps
			time.Sleep(acceptPause)
			continue
		}
		select {
		case p.conns <- c:
		case <-p.closed:
			c.Close()
		}
	}
}

// during is the port for one life.
func (p *port) during(ctx context.Context) net.Listener {
	l := &lifePort{port: p}
	l.ctx, l.cancel = context.WithCancel(ctx)
	return l
}

type lifePort struct {
	*port
	ctx    context.Context
	cancel context.CancelFunc
}

func (l *lifePort) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ended:
		return nil, l.err
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (l *lifePort) Close() error {
	l.cancel()
	return nil
}
