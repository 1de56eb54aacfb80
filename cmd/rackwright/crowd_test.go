package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// guests is a listener to which connections come from wherever a test says.
type guests struct {
	net.Listener
	come chan net.Conn
}

func (g *guests) Accept() (net.Conn, error) {
	if conn, ok := <-g.come; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

// guest is a connection from an address.
type guest struct {
	net.Conn
	from   string
	closed bool
}

func (g *guest) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(g.from))
}

func (g *guest) Close() error { g.closed = true; return nil }

func TestOneAddressDoesNotTakeThePlacesOfAll(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	g := &guests{come: make(chan net.Conn, 20)}
	l := &crowd{Listener: g, name: "api", most: 9, each: 2, log: slog.New(slog.NewTextHandler(&log, nil)), now: func() time.Time { return now }}
	come := func(from string) *guest {
		c := &guest{from: from}
		g.come <- c
		return c
	}
	enter := func() net.Conn {
		t.Helper()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	come("192.0.2.7:1")
	first := enter()
	come("[2001:db8::1]:1")
	enter()
	come("192.0.2.7:2")
	enter()
	away := []*guest{come("192.0.2.7:3"), come("192.0.2.7:4")}
	come("[2001:db8::ffff]:2") // the same /64
	enter()
	away = append(away, come("[2001:db8::2:3]:3"))
	for range 3 {
		come("127.0.0.1:1")
		enter()
	}
	for _, c := range away {
		if !c.closed {
			t.Errorf("%s has one more than it may", c.from)
		}
	}
	first.Close()
	first.Close()
	come("192.0.2.7:5")
	last := enter()
	now = now.Add(time.Minute)
	come("192.0.2.7:6")
	come("127.0.0.1:2")
	enter()
	if got := strings.Count(log.String(), "one address has as many open as it may"); got != 2 || !strings.Contains(log.String(), "turned_away=3") {
		t.Errorf("%d lines: %s", got, log.String())
	}
	last.Close()
	if l.of["192.0.2.7"] != 1 || len(l.of) != 2 {
		t.Errorf("counted are %v", l.of)
	}
}

func TestAConnectionTooManyIsTurnedAwayUntilAnotherEnds(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	l := &crowd{Listener: inner, name: "api", most: 2, log: slog.New(slog.NewTextHandler(&log, nil)), now: time.Now}
	accepted := make(chan net.Conn, 8)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		return conn
	}
	dial()
	first := <-accepted
	dial()
	<-accepted
	for range 3 {
		if n, err := dial().Read(make([]byte, 1)); n != 0 || err == nil {
			t.Fatal("one too many was let in")
		}
	}
	first.Close()
	first.Close() // counts once
	dial()
	conn := <-accepted
	go io.WriteString(conn, "x")
	if n, _ := dial().Read(make([]byte, 1)); n != 0 {
		t.Error("two ended for one")
	}
	inner.Close()
	<-ended
	if got := strings.Count(log.String(), "turned away"); got != 1 || !strings.Contains(log.String(), "server=api") {
		t.Errorf("%d lines: %s", got, log.String())
	}
}
