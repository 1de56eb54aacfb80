package serve_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/fault"
	"rackwright/firmware/serve"
	"rackwright/images/blob"
	"rackwright/journal"
	"rackwright/store"
)

// tickets knows one secret for one file.
type tickets struct {
	secret, digest string
	err            error
}

func (t tickets) RedeemTicket(_ context.Context, ticket string) (store.Ticket, error) {
	if t.err != nil {
		return store.Ticket{}, t.err
	}
	if ticket != t.secret {
		return store.Ticket{}, fault.Deniedf("unknown")
	}
	return store.Ticket{Operation: "op", Machine: "m", Name: "n1", Digest: t.digest}, nil
}

type words struct {
	mu   sync.Mutex
	said []journal.Event
}

func (w *words) Record(e journal.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, e)
}

// shelf serves one file of 1 MiB over HTTPS.
func shelf(t *testing.T) (client *http.Client, base string, tk *tickets, w *words, body []byte) {
	t.Helper()
	files, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	digest, _, err := files.Put(t.Context(), bytes.NewReader(body), "", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	tk, w = &tickets{secret: "s3cr3t", digest: digest}, &words{}
	s := httptest.NewTLSServer(&serve.Server{Store: tk, Bytes: files, Journal: w, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	t.Cleanup(s.Close)
	return s.Client(), strings.TrimPrefix(s.URL, "https://"), tk, w, body
}

func ask(t *testing.T, c *http.Client, method, url, span string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if span != "" {
		r.Header.Set("Range", span)
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, got
}

func TestABMCFetchesItsFileWholeInRangesAndAgain(t *testing.T) {
	c, host, _, w, body := shelf(t)
	url := serve.URL(host, "s3cr3t", "BIOS 2.bin")
	if answer, got := ask(t, c, http.MethodHead, url, ""); answer.StatusCode != 200 || answer.ContentLength != int64(len(body)) || len(got) > 0 {
		t.Errorf("HEAD: %d, %d bytes announced", answer.StatusCode, answer.ContentLength)
	}
	for range 2 {
		if answer, got := ask(t, c, http.MethodGet, url, ""); answer.StatusCode != 200 || !bytes.Equal(got, body) {
			t.Errorf("GET: %d, %d bytes", answer.StatusCode, len(got))
		}
	}
	if answer, got := ask(t, c, http.MethodGet, url, "bytes=16-31"); answer.StatusCode != 206 || string(got) != "0123456789abcdef" {
		t.Errorf("a range: %d, %q", answer.StatusCode, got)
	}
	if answer, _ := ask(t, c, http.MethodGet, url, "bytes=99999999-"); answer.StatusCode != 416 {
		t.Errorf("a range beyond the end: %d", answer.StatusCode)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.said) != 4 || w.said[0].Detail["bytes"] != int64(len(body)) || w.said[0].Detail["from"] != "127.0.0.1" || w.said[0].Operation != "op" {
		t.Errorf("the journal has %+v", w.said)
	}
	for _, e := range w.said {
		if strings.Contains(e.Summary, "s3cr3t") {
			t.Errorf("the secret stands in %q", e.Summary)
		}
	}
}

func TestWhateverIsWrongWithAnAddressLooksTheSame(t *testing.T) {
	c, host, tk, w, _ := shelf(t)
	var first string
	for _, path := range []string{"guess/f.bin", "guess", "", "/f.bin", strings.Repeat("x", 5000) + "/f.bin", "s3cr3t/" + strings.Repeat("y", 200)} {
		answer, got := ask(t, c, http.MethodGet, "https://"+host+serve.Prefix+path, "")
		if first == "" {
			first = string(got)
		}
		if answer.StatusCode != 404 || string(got) != first {
			t.Errorf("%.40q: %d %q", path, answer.StatusCode, got)
		}
	}
	if answer, _ := ask(t, c, http.MethodPut, serve.URL(host, "s3cr3t", "f.bin"), ""); answer.StatusCode != 405 {
		t.Errorf("PUT: %d", answer.StatusCode)
	}
	tk.err = fault.Unreachablef("the database is away")
	if answer, _ := ask(t, c, http.MethodGet, serve.URL(host, "s3cr3t", "f.bin"), ""); answer.StatusCode != 503 {
		t.Errorf("without a database: %d", answer.StatusCode)
	}
	tk.err, tk.digest = nil, "sha256:"+strings.Repeat("0", 64)
	if answer, _ := ask(t, c, http.MethodGet, serve.URL(host, "s3cr3t", "f.bin"), ""); answer.StatusCode != 503 {
		t.Errorf("without its bytes: %d", answer.StatusCode)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.said) != 1 || !strings.Contains(w.said[0].Summary, "not on this server") {
		t.Errorf("the journal has %+v", w.said)
	}
}
