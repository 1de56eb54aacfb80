package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"rackwright/api/apitest"
	"rackwright/deploy"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// breaker stands before a server and breaks each event stream off in the middle of what
// comes after its first event.
type breaker struct{ broken atomic.Int64 }

type breakerKey struct{}

// serve returns the URL of what stands before the server at a URL.
func (b *breaker) serve(t testing.TB, server string) string {
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.FlushInterval, proxy.ErrorLog = -1, log.New(io.Discard, "", 0)
	proxy.ModifyResponse = func(r *http.Response) error {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
			r.Body = &brokenStream{ReadCloser: r.Body, breaker: b}
		}
		return nil
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	return front.URL
}

// brokenStream ends in an error behind its first message with data and some bytes more.
type brokenStream struct {
	io.ReadCloser
	breaker *breaker
	events  int
	over    bool
}

func (s *brokenStream) Read(b []byte) (int, error) {
	if s.over {
		s.breaker.broken.Add(1)
		return 0, io.ErrUnexpectedEOF
	}
	n, err := s.ReadCloser.Read(b[:min(len(b), 64)])
	s.events += bytes.Count(b[:n], []byte("data:"))
	s.over = s.events > 1
	return n, err
}

// brokenIs moves the machine's open operation on, once it is not parked, until so many more
// streams broke off: "broken MACHINE NUMBER".
func brokenIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: broken MACHINE NUMBER")
	}
	more, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	b, s := ts.Value(breakerKey{}).(*breaker), ts.Value(storeKey{}).(*apitest.Store)
	id, want := openOperation(ts, s, args[0]), b.broken.Load()+more
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for b.broken.Load() < want {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%d streams broke off, not %d", b.broken.Load(), want)
		}
		if o, err := s.Operation(context.Background(), id); err == nil && o.State != deploy.Parked {
			s.Move(id, "goes on", func(o *deploy.Operation) { o.State = deploy.Running })
		}
	}
}
