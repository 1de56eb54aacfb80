package api

import (
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

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
	// Check reads all bytes of an image, "" for every one.
	Check(ctx context.Context, image string) (*images.Health, error)
	// Collect is Conflict while an image is being added. dry removes nothing.
	Collect(ctx context.Context, dry bool) (images.Collected, error)
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

type checkIn struct {
	Image string `query:"image" maxLength:"128" doc:"Image id or name; every image when it is missing"`
}

// imageBytes registers what is done with the bytes of images.
func (s *server) imageBytes() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"images"}; return o }
	check := tag(op("POST", "/images/check", "check-images", "Read all bytes of stored images and name what is damaged or missing; takes as long as reading them does"))
	check.DefaultStatus = http.StatusOK
	route(s, check, func(ctx context.Context, in *checkIn) (*body[images.Health], error) {
		if s.Depot == nil {
			return nil, noDepot()
		}
		h, err := s.Depot.Check(ctx, in.Image)
		if err != nil {
			return nil, err
		}
		return &body[images.Health]{*h}, nil
	})
	collect := tag(op("POST", "/images/collect", "collect-images", "Remove stored bytes that no image needs; the server does it every hour, too"))
	collect.DefaultStatus = http.StatusOK
	route(s, collect, func(ctx context.Context, in *TryIn) (*body[images.Collected], error) {
		if s.Depot == nil {
			return nil, noDepot()
		}
		gone, err := s.Depot.Collect(ctx, in.DryRun)
		if err != nil {
			return nil, err
		}
		return &body[images.Collected]{gone}, nil
	})
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
