package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

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
