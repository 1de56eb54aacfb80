package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"rackwright/api"
	"rackwright/api/apitest"
	"rackwright/fault"
	"rackwright/images"
)

// dialled returns a client that waits for nothing.
func dialled(t *testing.T, s *apitest.Store) *Client {
	t.Helper()
	c, err := New(apitest.Serve(t, api.Options{Store: s}), apitest.OperatorSecret)
	if err != nil {
		t.Fatal(err)
	}
	c.pause = func(ctx context.Context, _ int) error { return ctx.Err() }
	return c
}

func TestAnUploadGoesOnWhereTheConnectionBroke(t *testing.T) {
	s := apitest.Rack(t)
	c := dialled(t, s)
	file := strings.Repeat("0123456789", 100_000)
	s.Break(5)
	most := int64(0)
	img, err := c.AddImage(t.Context(), Upload{Name: "new", File: strings.NewReader(file), Bytes: int64(len(file)), Progress: func(n int64) { most = max(most, n) }})
	if err != nil || img.Bytes != int64(len(file)) || most != img.Bytes {
		t.Errorf("%+v, %d sent, %v", img, most, err)
	}
}

func TestAnUploadThatWasGivenUpIsResumedOnDemand(t *testing.T) {
	s := apitest.Rack(t)
	c := dialled(t, s)
	file := bytes.Repeat([]byte("0123456789"), 100_000)
	s.Break(100)
	up := Upload{Name: "new", File: bytes.NewReader(file), Bytes: int64(len(file))}
	ctx, stop := context.WithCancel(t.Context())
	c.pause = func(context.Context, int) error { stop(); return ctx.Err() }
	if _, err := c.AddImage(ctx, up); !fault.Is(err, fault.Unreachable) || !strings.Contains(fault.HintOf(err), "--resume") {
		t.Fatalf("got %v (%s)", err, fault.HintOf(err))
	}
	s.Break(0)
	begun, err := c.Imports(t.Context())
	if err != nil || len(begun) != 1 || begun[0].Done == 0 || begun[0].State != images.Receiving {
		t.Fatal(begun, err)
	}
	up.Resume = true
	if img, err := c.AddImage(t.Context(), up); err != nil || img.Bytes != int64(len(file)) {
		t.Error(img, err)
	}
	if all, err := c.Imports(t.Context()); err != nil || len(all) != 1 || all[0].State != images.Done {
		t.Error(all, err)
	}
}

func TestAnUploadIsResumedOnlyUnderTheDigestsItBeganWith(t *testing.T) {
	file := bytes.Repeat([]byte("0123456789"), 100_000)
	digest := sha256.Sum256(file)
	right, wrong := hex.EncodeToString(digest[:]), strings.Repeat("ab", 32)
	for name, c := range map[string]struct {
		began, now Upload
		refused    bool
	}{
		"a digest later":         {Upload{}, Upload{SHA256: wrong}, true},
		"a right digest later":   {Upload{}, Upload{SHA256: right}, true},
		"no digest later":        {Upload{SHA256: right}, Upload{}, true},
		"the same digest":        {Upload{SHA256: right}, Upload{SHA256: "SHA256:" + strings.ToUpper(right)}, false},
		"a signature later":      {Upload{}, Upload{Signature: "signed"}, true},
		"another signature":      {Upload{Signature: "signed"}, Upload{Signature: "signed by another"}, true},
		"the same signature":     {Upload{Signature: "signed"}, Upload{Signature: "signed"}, false},
		"another kind is no one": {Upload{}, Upload{Kind: images.KindISO}, false}, // it begins anew
	} {
		t.Run(name, func(t *testing.T) {
			s := apitest.Rack(t)
			cl := dialled(t, s)
			send := func(ctx context.Context, u Upload) error {
				u.Name, u.File, u.Bytes = "new", bytes.NewReader(file), int64(len(file))
				_, err := cl.AddImage(ctx, u)
				return err
			}
			s.Break(100)
			ctx, stop := context.WithCancel(t.Context())
			pause := cl.pause
			cl.pause = func(context.Context, int) error { stop(); return ctx.Err() }
			if err := send(ctx, c.began); !fault.Is(err, fault.Unreachable) {
				t.Fatal(err)
			}
			s.Break(0)
			cl.pause = pause
			c.now.Resume = true
			err := send(t.Context(), c.now)
			if fault.Is(err, fault.Conflict) != c.refused || !c.refused && err != nil || c.refused && !strings.Contains(fault.HintOf(err), "without --resume") {
				t.Errorf("%v (%s)", err, fault.HintOf(err))
			}
			if _, err := s.Image(t.Context(), "new"); (err == nil) == c.refused {
				t.Errorf("the image: %v", err)
			}
		})
	}
}

func TestAnUploadThatTheServerCannotKeepLeavesNothing(t *testing.T) {
	const room = 1000 // bytes that its disk has
	for name, refusal := range map[string]struct {
		status  int
		kind    fault.Kind
		patches int32
		has     string
	}{
		"its disk is full":          {http.StatusConflict, fault.Conflict, 3, strconv.Itoa(room)},
		"the file is no such image": {http.StatusUnprocessableEntity, fault.Invalid, 1, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			var patches, removed atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.Method {
				case http.MethodPost:
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(http.StatusCreated)
					_, _ = io.WriteString(w, `{"id":"7","state":"receiving"}`)
				case http.MethodHead:
					w.Header().Set("Upload-Offset", refusal.has)
				case http.MethodPatch:
					patches.Add(1)
					_, _ = io.Copy(io.Discard, r.Body)
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(refusal.status)
				case http.MethodDelete:
					removed.Add(1)
					w.WriteHeader(http.StatusNoContent)
				}
			}))
			defer s.Close()
			c, err := New(s.URL, apitest.OperatorSecret)
			if err != nil {
				t.Fatal(err)
			}
			c.pause = func(ctx context.Context, _ int) error { return ctx.Err() }
			_, err = c.AddImage(t.Context(), Upload{Name: "new", File: bytes.NewReader(make([]byte, 4*room)), Bytes: 4 * room})
			if !fault.Is(err, refusal.kind) || patches.Load() != refusal.patches || removed.Load() != 1 {
				t.Errorf("%v after %d requests, %d removed", err, patches.Load(), removed.Load())
			}
		})
	}
}

func TestAnUploadOfUnknownSizeEndsWithIt(t *testing.T) {
	c := dialled(t, apitest.Rack(t))
	img, err := c.AddImage(t.Context(), Upload{Name: "piped", File: struct{ *strings.Reader }{strings.NewReader("a piped image")}, Bytes: -1, Signature: "signed"})
	if err != nil || img.Bytes != 13 {
		t.Error(img, err)
	}
}

func TestWhatTheServerFetchesIsAwaitedOrExplained(t *testing.T) {
	c := dialled(t, apitest.Rack(t))
	told := 0
	img, err := c.ImportImage(t.Context(), images.ImportOrder{Name: "far", URL: "https://mirror/disk.raw"}, func(images.Import) { told++ })
	if err != nil || img.Name != "far" || told == 0 {
		t.Error(img, told, err)
	}
	_, err = c.ImportImage(t.Context(), images.ImportOrder{Name: "nothing", URL: "https://mirror/none?key=secret"}, nil)
	if !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "there is nothing") || fault.HintOf(err) == "" || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	_, err = c.ImportImage(t.Context(), images.ImportOrder{Name: "No", URL: "ftp://x", SHA256: "12"}, nil)
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "url") || !strings.Contains(err.Error(), "sha256") {
		t.Error(err)
	}
	digest, err := c.SendPart(t.Context(), Upload{Name: "kernel", File: strings.NewReader("kernel"), Bytes: 6})
	if err != nil || digest == "" {
		t.Error(digest, err)
	}
}
