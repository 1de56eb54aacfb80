package serve

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"rackwright/fault"
	"rackwright/images"
)

// chunk serves the frame of a chunk of the one image the operation is about.
func (s *Server) chunk(w http.ResponseWriter, r *http.Request, h holder) {
	blob := chi.URLParam(r, "blob")
	list, err := s.lists.of(h.op.Order.Digest, s.Bytes.Manifest)
	if err == nil && !list.has(blob) {
		err = fault.Deniedf("this operation is about another image")
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	f, err := s.Bytes.Chunk(blob)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Etag", `"`+blob+`"`)
	http.ServeContent(w, r, "", time.Time{}, f)
}

// maxLists is how many images' lists of chunks are remembered.
const maxLists = 8

// lists remembers which chunks the images now deployed have, so that not every chunk that
// is asked for reads a manifest.
type lists struct {
	mu   sync.Mutex
	list []*list // most recently used last
}

// list is the chunks of one image. Its manifest is read once, by whoever comes first.
type list struct {
	digest string
	read   sync.Once
	blobs  [][32]byte // sorted
	err    error
}

// of returns the list of an image; one that could not be read is tried again by the next.
func (l *lists) of(digest string, manifest func(string) ([]byte, error)) (*list, error) {
	one := l.take(digest)
	one.read.Do(func() { one.blobs, one.err = blobsOf(digest, manifest) })
	if one.err != nil {
		l.drop(one)
	}
	return one, one.err
}

func (l *lists) take(digest string) *list {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := &list{digest: digest}
	if i := slices.IndexFunc(l.list, func(o *list) bool { return o.digest == digest }); i >= 0 {
		one = l.list[i]
		l.list = slices.Delete(l.list, i, i+1)
	}
	l.list = append(l.list, one)
	if len(l.list) > maxLists {
		l.list = slices.Delete(l.list, 0, 1)
	}
	return one
}

func (l *lists) drop(one *list) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(o *list) bool { return o == one })
}

func blobsOf(digest string, manifest func(string) ([]byte, error)) ([][32]byte, error) {
	b, err := manifest(digest)
	if err != nil {
		return nil, err
	}
	m, err := images.DecodeManifest(b, digest)
	if err != nil {
		return nil, err
	}
	blobs := make([][32]byte, len(m.Chunks))
	for i, c := range m.Chunks {
		if _, err := hex.Decode(blobs[i][:], []byte(c.Blob)); err != nil {
			return nil, fault.Internalf("chunk %q: %w", c.Blob, err)
		}
	}
	slices.SortFunc(blobs, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	return blobs, nil
}

// has reports whether the image has a chunk of that name.
func (l *list) has(blob string) bool {
	var b [32]byte
	if len(blob) != 2*len(b) {
		return false
	}
	if _, err := hex.Decode(b[:], []byte(blob)); err != nil {
		return false
	}
	_, found := slices.BinarySearchFunc(l.blobs, b, func(x, y [32]byte) int { return bytes.Compare(x[:], y[:]) })
	return found
}
