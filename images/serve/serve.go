// Package serve gives out the chunks of images, and their manifests, over plain HTTP: to
// agents, and to caches. Whoever fetches checks digests that came another way
// (docs/decisions/0034-chunks-in-the-clear.md). It keeps nothing and knows no images by name.
package serve

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/images/cache"
	"rackwright/images/ticket"
)

// Where chunks and manifests are: the prefix, then 64 hexadecimal digits.
const (
	Chunks    = "/chunks/"
	Manifests = "/manifests/"
)

// Shelf has the bytes.
type Shelf interface {
	// Chunk opens a chunk by the SHA-256 of its frame. A chunk that is still arriving comes
	// with a Growing, and its file is read only as far as that says; else it is nil. The
	// ticket is what the asker showed.
	Chunk(ctx context.Context, blob, ticket string) (*os.File, cache.Growing, error)
	// Manifest returns the manifest of a digest "sha256:...".
	Manifest(ctx context.Context, digest, ticket string) ([]byte, error)
}

// Server answers who shows a ticket. All fields are required.
type Server struct {
	Shelf Shelf
	Door  *ticket.Door
	Meter *Meter
	Log   *slog.Logger
}

// ServeHTTP answers GET and HEAD.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	kind, name, ok := split(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, err := s.Door.Admit(text); err != nil {
		s.refuse(w, r, err)
		return
	}
	h := w.Header()
	if kind == Manifests {
		b, err := s.Shelf.Manifest(r.Context(), "sha256:"+name, text)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(b)
		return
	}
	f, growing, err := s.Shelf.Chunk(r.Context(), name, text)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer f.Close()
	defer s.Meter.begin()()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "public, max-age=31536000, immutable") // RFC 8246: what has a digest for a name never changes
	h.Set("Etag", `"`+name+`"`)
	if growing == nil {
		s.whole(w, r, f)
		return
	}
	s.arriving(w, r, f, growing)
}

// split parts a path in what is asked for and its name.
func split(path string) (kind, name string, ok bool) {
	for _, kind := range []string{Chunks, Manifests} {
		if name, ok := strings.CutPrefix(path, kind); ok {
			_, err := hex.DecodeString(name)
			return kind, name, err == nil && len(name) == 64 && name == strings.ToLower(name)
		}
	}
	return "", "", false
}

// whole sends a file, or the ranges of it that are asked for (RFC 9110 section 14). The
// kernel moves the bytes (sendfile), so a client costs no buffer.
func (s *Server) whole(w http.ResponseWriter, r *http.Request, f *os.File) {
	http.ServeContent(w, r, "", time.Time{}, f)
	if st, err := f.Stat(); err == nil && r.Method == http.MethodGet {
		s.Meter.sent(st.Size())
	}
}

// arriving sends a chunk as it comes. One that turns out wrong is never sent whole: the
// connection is cut before its last bytes.
func (s *Server) arriving(w http.ResponseWriter, r *http.Request, f *os.File, g cache.Growing) {
	if r.Header.Get("Range") != "" { // wait for all of it: a range may lie anywhere
		if _, err := g.Grown(r.Context(), g.Size()-1); err != nil {
			s.refuse(w, r, err)
			return
		}
		s.whole(w, r, f)
		return
	}
	size := g.Size()
	for at := int64(0); at < size; {
		grown, err := g.Grown(r.Context(), at)
		if err != nil && at == 0 {
			s.refuse(w, r, err)
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the client must not take it for the end
		}
		if at == 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
			w.WriteHeader(http.StatusOK)
			if r.Method == http.MethodHead {
				return
			}
		}
		n, err := io.CopyN(w, f, grown-at)
		if at += n; err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	s.Meter.sent(size)
}

// refuse answers without the chunk. What fetches tries its next source.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := map[fault.Kind]int{fault.Invalid: http.StatusBadRequest, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusInsufficientStorage,
		fault.Denied: http.StatusUnauthorized, fault.Unreachable: http.StatusBadGateway}[fault.KindOf(err)]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if !errors.Is(err, context.Canceled) {
		s.Log.Debug("a chunk was refused", "path", r.URL.Path, "peer", r.RemoteAddr, "status", status, "error", err)
	}
	for name := range w.Header() {
		w.Header().Del(name)
	}
	http.Error(w, http.StatusText(status), status)
}
