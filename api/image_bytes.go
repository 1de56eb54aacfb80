package api

import (
	"context"
	"io"

	"rackwright/fault"
	"rackwright/images"
)

// Importer takes the bytes of an image as they come, and calls record with what it found in
// them, before anybody may collect them. It holds no more than a part of them in memory,
// and refuses bytes of another kind, digest or signature than the order says as Invalid
// or Denied. progress may be nil.
type Importer interface {
	Import(ctx context.Context, r io.Reader, o images.ImportOrder, progress func(done, total int64), record func(*images.Image) error) (*images.Image, error)
}

// Depot looks after the bytes of images.
type Depot interface {
	// Collectable is what a job would remove; Conflict while an image is being added.
	Collectable(ctx context.Context) (images.Collected, error)
	// Shared says, by digest, how many of an image's stored bytes others have, too.
	Shared(ctx context.Context) (map[string]int64, error)
}

// Uploads keeps what was sent of a file until the rest of it comes.
type Uploads interface {
	// AppendUpload is Conflict when the upload has another size than at, or another sender.
	// It returns the size there is then, with an error, too.
	AppendUpload(ctx context.Context, id string, at int64, r io.Reader, limit int64, kind images.Kind) (int64, error)
	UploadSize(id string) (int64, error)
	RemoveUpload(id string) error
}

func noDepot() error {
	return fault.Conflictf("this server does not look after the bytes of images").WithHint("ask the server that has images.dir")
}

// share says of images what they share, as far as that is known: a list is no worse
// without.
func (s *server) share(ctx context.Context, list ...*images.Image) {
	if s.Depot == nil {
		return
	}
	shared, err := s.Depot.Shared(ctx)
	if err != nil {
		s.Log.Warn("it is not known what images share", "error", err)
		return
	}
	for _, i := range list {
		i.Shared = shared[i.Digest]
	}
}
