package apitest

import (
	"bytes"
	"context"
	"io"
	"slices"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/store"
)

// uploads are imports and what was sent of them.
type uploads struct {
	list []images.Import
	sent map[string][]byte
	cuts int // how many more requests break off in the middle
}

// ImageImports lists imports, newest first.
func (s *Store) ImageImports(_ context.Context, p store.Page) ([]images.Import, error) {
	unlock, err := s.lock()
	defer unlock()
	return page(s.uploads.list, p, true, func(i images.Import) []string { return since(i.Created, i.ID) }), err
}

// ImageImport returns an import.
func (s *Store) ImageImport(_ context.Context, id string) (*images.Import, error) {
	unlock, err := s.lock()
	defer unlock()
	if err != nil {
		return nil, err
	}
	for _, i := range s.uploads.list {
		if i.ID == id {
			return &i, nil
		}
	}
	return nil, fault.NotFoundf("there is no import %q", id)
}

// CreateImageImport does at once what is not uploaded: an address with "none" in it has
// nothing, all others have the same image.
func (s *Store) CreateImageImport(ctx context.Context, i *images.Import) error {
	unlock, err := s.lock()
	if err != nil {
		unlock()
		return err
	}
	i.ID, i.Created, i.Updated = s.id("import"), s.now(), s.now()
	s.uploads.list = append(s.uploads.list, *i)
	unlock()
	if i.State == images.Receiving {
		return nil
	}
	if bytes.Contains([]byte(i.Order.URL), []byte("none")) {
		return s.endImport(ctx, i.ID, bytes.NewReader(nil), fault.NotFoundf("there is nothing at %s", i.From).WithHint("correct the address"))
	}
	return s.endImport(ctx, i.ID, bytes.NewReader([]byte("fetched image")), nil)
}

// endImport imports what was fetched or sent.
func (s *Store) endImport(ctx context.Context, id string, r io.Reader, err error) error {
	i, gone := s.ImageImport(ctx, id)
	if gone != nil {
		return gone
	}
	i.State = images.Done
	if err == nil {
		var img *images.Image
		record := func(img *images.Image) error {
			if i.Kind == images.KindPart {
				return nil
			}
			return s.AddImage(ctx, img, i.Actor)
		}
		if img, err = (Importer{}).Import(ctx, r, i.Order, nil, record); err == nil {
			i.Digest = img.Digest
		}
	}
	if err != nil {
		i.State, i.Error, i.Fault, i.Hint = images.Failed, err.Error(), fault.KindOf(err).String(), fault.HintOf(err)
	}
	s.setImport(*i)
	return nil
}

func (s *Store) setImport(i images.Import) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.uploads.list {
		if s.uploads.list[n].ID == i.ID {
			s.uploads.list[n] = i
		}
	}
}

// RemoveImageImport forgets an import.
func (s *Store) RemoveImageImport(_ context.Context, id string) error {
	unlock, err := s.lock()
	defer unlock()
	s.uploads.list = slices.DeleteFunc(s.uploads.list, func(i images.Import) bool { return i.ID == id })
	return err
}

// NoteUpload imports an upload when all of it is there.
func (s *Store) NoteUpload(ctx context.Context, id string, done, size int64) error {
	i, err := s.ImageImport(ctx, id)
	if err != nil {
		return err
	}
	i.Done, i.Bytes = done, size
	s.setImport(*i)
	if done != size {
		return nil
	}
	s.mu.Lock()
	sent := s.uploads.sent[id]
	s.mu.Unlock()
	return s.endImport(ctx, id, bytes.NewReader(sent), nil)
}

// Break lets the next so many requests with bytes of an upload end in their middle.
func (s *Store) Break(times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads.cuts = times
}

// AppendUpload keeps what comes in memory.
func (s *Store) AppendUpload(_ context.Context, id string, at int64, r io.Reader, _ int64, _ images.Kind) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uploads.sent == nil {
		s.uploads.sent = map[string][]byte{}
	}
	if size := int64(len(s.uploads.sent[id])); size != at {
		return size, fault.Conflictf("the upload has %d bytes, not %d", size, at)
	}
	b, err := io.ReadAll(r)
	if s.uploads.cuts > 0 && len(b) > 1 {
		s.uploads.cuts--
		b, err = b[:len(b)/2], fault.Unreachablef("the file broke off")
	}
	s.uploads.sent[id] = append(s.uploads.sent[id], b...)
	return int64(len(s.uploads.sent[id])), err
}

// UploadSize is how much was sent.
func (s *Store) UploadSize(id string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.uploads.sent[id])), nil
}

// RemoveUpload forgets what was sent.
func (s *Store) RemoveUpload(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploads.sent, id)
	return nil
}

// Depot is a depot in which a little is needed by nobody.
type Depot struct{}

// Collectable is a little.
func (Depot) Collectable(context.Context) (images.Collected, error) { return collected(), nil }

func collected() images.Collected { return images.Collected{Chunks: 3, Bytes: 3 << 20} }

// Shared says that debian shares half a gigabyte.
func (Depot) Shared(context.Context) (map[string]int64, error) {
	return map[string]int64{"sha256:d": 1 << 28}, nil
}
