package main

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// mostMachines bounds the open connections of a server that machines speak to. A machine has
// a few.
const mostMachines = 20_000

// crowd is a listener with a bound on the connections that are open at once. One too many is
// closed as it comes: those that are open go on, and nobody waits for a place unknowing.
type crowd struct {
	net.Listener
	name string
	most int64
	log  *slog.Logger
	now  func() time.Time

	open   atomic.Int64
	turned int       // away since the last word of it; of the one goroutine that accepts
	told   time.Time // when that was
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c.open.Add(1) <= c.most {
			return &counted{Conn: conn, left: sync.OnceFunc(func() { c.open.Add(-1) })}, nil
		}
		c.open.Add(-1)
		conn.Close()
		c.tell(conn.RemoteAddr())
	}
}

// tell says at most once a minute that somebody was turned away.
func (c *crowd) tell(from net.Addr) {
	c.turned++
	if now := c.now(); c.told.IsZero() || now.Sub(c.told) >= time.Minute {
		c.log.Error("connections are turned away: as many are open as may be", "server", c.name, "open", c.most, "turned_away", c.turned, "last", from.String(),
			"hint", "'ss -tn state established' shows whose they are")
		c.turned, c.told = 0, now
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	left func()
}

// ReadFrom implements io.ReaderFrom: files go out by sendfile(2).
func (c *counted) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// Close implements net.Conn.
func (c *counted) Close() error {
	c.left()
	return c.Conn.Close()
}
