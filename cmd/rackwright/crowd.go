package main

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"rackwright/access/guard"
)

// mostMachines bounds the open connections of a server that machines speak to. A machine has
// a few.
const mostMachines = 20_000

// mostOfOne bounds those of one address, so that none takes the places of all. Behind an
// address there may be a rack, or a cache.
const mostOfOne = 2_000

// crowd is a listener with a bound on the connections that are open at once, and on those of
// one address. One too many is closed as it comes: those that are open go on, and nobody
// waits for a place unknowing. This host itself counts only for the first.
type crowd struct {
	net.Listener
	name string
	most int64
	each int // of one address, or of one /64 of IPv6; 0: any number
	log  *slog.Logger
	now  func() time.Time

	open         atomic.Int64
	full, greedy tally // who was turned away: because of all, and because of their own

	mu sync.Mutex
	of map[string]int // open, by address; none is 0
}

// tally is how many were turned away since the last word of it, and when that was. It is of
// the one goroutine that accepts.
type tally struct {
	turned int
	told   time.Time
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := c.key(conn.RemoteAddr())
		if !c.enter(from) {
			conn.Close()
			c.tell(&c.greedy, "connections are turned away: one address has as many open as it may", c.each, conn.RemoteAddr())
			continue
		}
		if c.open.Add(1) <= c.most {
			return &counted{Conn: conn, left: sync.OnceFunc(func() { c.open.Add(-1); c.leave(from) })}, nil
		}
		c.open.Add(-1)
		c.leave(from)
		conn.Close()
		c.tell(&c.full, "connections are turned away: as many are open as may be", int(c.most), conn.RemoteAddr())
	}
}

// key is whose a connection is; empty for this host's own, which are not counted one by one.
func (c *crowd) key(from net.Addr) string {
	if a, ok := from.(*net.TCPAddr); c.each <= 0 || !ok || a.IP.IsLoopback() {
		return ""
	}
	return guard.Key(from.String())
}

// enter counts one more of an address, if it may have that.
func (c *crowd) enter(from string) bool {
	if from == "" {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[from] >= c.each {
		return false
	}
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.of[from]++
	return true
}

// leave counts one less; an address with none is forgotten.
func (c *crowd) leave(from string) {
	if from == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[from]--; c.of[from] <= 0 {
		delete(c.of, from)
	}
}

// tell says at most once a minute that somebody was turned away.
func (c *crowd) tell(t *tally, what string, open int, from net.Addr) {
	t.turned++
	if now := c.now(); t.told.IsZero() || now.Sub(t.told) >= time.Minute {
		c.log.Error(what, "server", c.name, "open", open, "turned_away", t.turned, "last", from.String(),
			"hint", "'ss -tn state established' shows whose they are")
		t.turned, t.told = 0, now
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
