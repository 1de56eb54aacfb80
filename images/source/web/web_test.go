package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/images/source/web"
)

// body is a file of so many lines, none like another.
func body(lines int) []byte {
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "line %d of a file\n", i)
	}
	return b.Bytes()
}

func fetcher() *web.Fetcher {
	return &web.Fetcher{Client: web.Client(), Backoff: func(ctx context.Context, _ int) error { return ctx.Err() }}
}

func fetch(t *testing.T, address string) ([]byte, int64, error) {
	t.Helper()
	r, size, err := fetcher().Fetch(t.Context(), address)
	if err != nil {
		return nil, size, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return b, size, err
}

// breaking serves a file and breaks each of the first connections after some bytes.
func breaking(t *testing.T, file []byte, times, after int, headers func(http.ResponseWriter, *http.Request)) (string, *atomic.Int64) {
	var requests atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := requests.Add(1)
		headers(w, r)
		if n <= int64(times) {
			http.ServeContent(&cutter{w, after}, r, "", time.Time{}, bytes.NewReader(file))
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/disk.raw?key=secret", &requests
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(c.left, len(p))])
	if c.left -= n; c.left == 0 && err == nil {
		err = errors.New("cut")
	}
	return n, err
}

func TestAFileIsWholeHoweverOftenTheConnectionBreaks(t *testing.T) {
	file := body(100_000)
	for name, headers := range map[string]func(http.ResponseWriter, *http.Request){
		"ranges and a tag": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"1"`) },
		"no ranges":        func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Etag", `"1"`); r.Header.Del("Range") },
		"ranges, no tag":   func(http.ResponseWriter, *http.Request) {},
		"a weak tag":       func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Etag", `W/"1"`) },
		"a date and no tag": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Last-Modified", "Mon, 02 Mar 2026 10:00:00 GMT")
		},
	} {
		address, requests := breaking(t, file, 5, 200_000, headers)
		got, size, err := fetch(t, address)
		if err != nil || !bytes.Equal(got, file) || size != int64(len(file)) || requests.Load() != 6 {
			t.Errorf("%s: %d of %d bytes, size %d, %d requests, %v", name, len(got), len(file), size, requests.Load(), err)
		}
	}
}

func TestAFileThatChangesMeanwhileIsRefused(t *testing.T) {
	n := 0
	address, _ := breaking(t, body(10_000), 1, 5_000, func(w http.ResponseWriter, _ *http.Request) { n++; w.Header().Set("Etag", fmt.Sprintf(`"%d"`, n)) })
	if _, _, err := fetch(t, address); !fault.Is(err, fault.Conflict) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatGivesNothingIsGivenUp(t *testing.T) {
	address, requests := breaking(t, body(10_000), 1000, 0, func(http.ResponseWriter, *http.Request) {})
	_, _, err := fetch(t, address)
	if !fault.Is(err, fault.Unreachable) || requests.Load() > 20 || strings.Contains(err.Error(), "secret") {
		t.Errorf("after %d requests: %v", requests.Load(), err)
	}
}

func TestAnAnswerThatIsNoFileIsExplained(t *testing.T) {
	for status, kind := range map[int]fault.Kind{404: fault.NotFound, 410: fault.NotFound, 403: fault.Denied, 401: fault.Denied, 400: fault.Invalid, 204: fault.Invalid, 503: fault.Unreachable, 429: fault.Unreachable} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		_, _, err := fetch(t, srv.URL+"/?key=secret")
		if !fault.Is(err, kind) || fault.HintOf(err) == "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: %v", status, err)
		}
		srv.Close()
	}
	if _, _, err := fetch(t, "http://127.0.0.1:1/?key=secret"); !fault.Is(err, fault.Unreachable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("no server: %v", err)
	}
}

func TestNothingLeadsFromHTTPSToHTTP(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("anything")) }))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer secure.Close()
	f := fetcher()
	f.Client.Transport = secure.Client().Transport
	if _, _, err := f.Fetch(t.Context(), secure.URL); !fault.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}
