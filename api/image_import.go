package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/store"
)

// ImportIn names an import. Exported because huma fills only exported embedded structs.
type ImportIn struct {
	Import string `path:"import" minLength:"1" maxLength:"64" doc:"Id of an import or upload"`
}

// created is an import that was begun, and where it is.
type created struct {
	Location string `header:"Location"`
	Body     images.Import
}

// imageImports registers what brings images in.
func (s *server) imageImports() {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"images"}; return o }
	route(s, tag(op("GET", "/images/imports", "list-image-imports", "Imports and uploads, newest first")),
		func(ctx context.Context, in *PageIn) (*body[wire.List[images.Import]], error) {
			begun := byTime("-created", func(i *images.Import) (time.Time, string) { return i.Created, i.ID })
			return keyset(ctx, in.BehindIn, in.Limit, begun, func(p store.Page) ([]images.Import, error) { return s.Store.ImageImports(ctx, p) })
		})
	route(s, tag(op("GET", "/images/imports/{import}", "get-image-import", "How far an import or upload is")),
		func(ctx context.Context, in *ImportIn) (*body[images.Import], error) {
			i, err := s.Store.ImageImport(ctx, in.Import)
			if err != nil {
				return nil, err
			}
			i.SHA256, i.SignatureSHA256 = i.Order.Demands()
			return &body[images.Import]{*i}, nil
		})
	fetch := tag(op("POST", "/images/imports", "import-image", "Have the server fetch an image, or make one of parts"))
	fetch.DefaultStatus = http.StatusAccepted
	route(s, fetch, func(ctx context.Context, in *struct{ Body images.ImportOrder }) (*created, error) {
		return s.beginImport(ctx, in.Body, images.Queued, "/images/imports/")
	})
	upload := tag(op("POST", "/images/uploads", "begin-image-upload", "Begin to send an image file in as many requests as it takes"))
	upload.DefaultStatus = http.StatusCreated
	route(s, upload, func(ctx context.Context, in *struct{ Body images.ImportOrder }) (*created, error) {
		if s.Uploads == nil {
			return nil, fault.Conflictf("this server takes a file in one request only").WithHint("POST it to %s/images", wire.Prefix)
		}
		return s.beginImport(ctx, in.Body, images.Receiving, "/images/uploads/")
	})
	route(s, removal[images.Import](s, op("DELETE", "/images/imports/{import}", "remove-image-import", "Cancel an import or upload that runs, or forget one that ended"), "images"), s.removeImport)
}

func (s *server) beginImport(ctx context.Context, o images.ImportOrder, state images.ImportState, at string) (*created, error) {
	if err := o.Check(state == images.Receiving); err != nil {
		return nil, err
	}
	if err := templates(o); err != nil {
		return nil, err
	}
	i := images.Import{Name: o.Name, Kind: o.Kind, From: o.Origin(), State: state, Bytes: o.Bytes, Actor: actor(ctx), Order: o}
	if err := s.Store.CreateImageImport(ctx, &i); err != nil {
		return nil, err
	}
	i.SHA256, i.SignatureSHA256 = i.Order.Demands()
	return &created{wire.Prefix + at + i.ID, i}, nil
}

func (s *server) removeImport(ctx context.Context, in *struct {
	ImportIn
	TryIn
}) (*removed, error) {
	i, err := s.Store.ImageImport(ctx, in.Import)
	if err != nil {
		return nil, err
	}
	_, err = tried(ctx, s, in.DryRun, func(ctx context.Context) (any, error) { return nil, s.Store.RemoveImageImport(ctx, i.ID) })
	if err == nil && !in.DryRun && s.Uploads != nil {
		err = s.Uploads.RemoveUpload(i.ID)
	}
	return removedOf(in.DryRun, i, err)
}
