package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"rackwright/api/wire"
	"rackwright/audit"
	"rackwright/fault"
	"rackwright/images"
	"rackwright/store"
)

// ImageIn names an image. Exported because huma fills only exported embedded structs.
type ImageIn struct {
	Image string `path:"image" minLength:"1" maxLength:"128" doc:"Image id or name"`
}

func (s *server) images(mux *chi.Mux) {
	tag := func(o huma.Operation) huma.Operation { o.Tags = []string{"images"}; return o }
	route(s, tag(op("GET", "/images", "list-images", "Images by name")),
		func(ctx context.Context, in *PageIn) (*body[wire.List[images.Image]], error) {
			orders := append(byName(func(i *images.Image) string { return i.Name }),
				byTime("created", func(i *images.Image) (time.Time, string) { return i.CreatedAt, i.Name })...)
			out, err := keyset(ctx, in.BehindIn, in.Limit, orders, func(p store.Page) ([]images.Image, error) { return s.Store.ImagePage(ctx, p) })
			if err != nil {
				return nil, err
			}
			all := make([]*images.Image, len(out.Body.Items))
			for i := range all {
				all[i] = &out.Body.Items[i]
			}
			s.share(ctx, all...)
			return out, nil
		})
	route(s, tag(op("GET", "/images/{image}", "get-image", "One image")), func(ctx context.Context, in *ImageIn) (*body[*images.Image], error) {
		img, err := s.Store.Image(ctx, in.Image)
		if err != nil {
			return nil, err
		}
		s.share(ctx, img)
		return &body[*images.Image]{img}, nil
	})
	route(s, removal[images.Image](s, op("DELETE", "/images/{image}", "remove-image", "Forget an image no open operation needs"), "images"), s.removeImage)
	mux.Post(wire.Prefix+"/images", s.plain("add-image", s.addImage))
	s.describeUpload()
	s.imageImports()
	s.imageUploads(mux)
	s.jobs()
}

func (s *server) removeImage(ctx context.Context, in *struct {
	ImageIn
	TryIn
}) (*removed, error) {
	was, err := s.Store.Image(ctx, in.Image)
	if err != nil {
		return nil, err
	}
	if !in.DryRun {
		if err := s.second(ctx, audit.Touched{ID: was.Digest, Name: was.Name}); err != nil {
			return nil, err
		}
	}
	img, err := tried(ctx, s, in.DryRun, func(ctx context.Context) (*images.Image, error) {
		return s.Store.RemoveImage(ctx, in.Image, actor(ctx))
	})
	if err == nil && !in.DryRun {
		err = s.forget(ctx, img)
	}
	return removedOf(in.DryRun, img, err)
}

// forget lets the bytes of an image without a record go, even when the caller is gone.
func (s *server) forget(ctx context.Context, img *images.Image) error {
	if s.Forget == nil {
		return nil
	}
	return s.Forget(context.WithoutCancel(ctx), *img)
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// addImage streams the body into the importer; nothing but the importer's own buffers
// is held in memory.
func (s *server) addImage(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	img, err := s.takeIn(r, control)
	if err != nil {
		s.refuseUpload(w, r, control, err)
		return
	}
	_ = control.SetReadDeadline(time.Time{})
	s.concerns(r.Context(), "image", img.Name, img.ID)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", wire.Prefix+"/images/"+img.Name)
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(img)
}

// takeIn brings the bytes in and has the image recorded.
func (s *server) takeIn(r *http.Request, control *http.ResponseController) (*images.Image, error) {
	o, err := uploadQuery(r)
	if err == nil {
		err = octets(r)
	}
	if err != nil {
		return nil, err
	}
	return s.Importer.Import(r.Context(), &patient{body: r.Body, control: control}, o, nil,
		func(img *images.Image) error { return s.Store.AddImage(r.Context(), img, actor(r.Context())) })
}

// courtesy is how long a refused upload is still read.
const courtesy = 10 * time.Second

// refuseUpload answers while the body is still coming and goes on reading for a moment:
// closing at once would reset the connection, and many senders would never see why.
func (s *server) refuseUpload(w http.ResponseWriter, r *http.Request, control *http.ResponseController, err error) {
	_ = control.EnableFullDuplex() // HTTP/2 always is
	w.Header().Set("Connection", "close")
	s.fail(w, r, err)
	_ = control.Flush()
	_ = control.SetReadDeadline(time.Now().Add(courtesy))
	io.Copy(io.Discard, r.Body)
}

// uploadQuery reads and checks the parameters.
func uploadQuery(r *http.Request) (o images.ImportOrder, err error) {
	bad := &fault.Error{Kind: fault.Invalid, Message: "the query is wrong", Hint: "send ?name=NAME and, if you know them, &sha256=HEX of the file, &kind= and &arch="}
	query := r.URL.Query()
	o = images.ImportOrder{Name: query.Get("name"), Kind: images.Kind(query.Get("kind")), SHA256: query.Get("sha256"), Arch: query.Get("arch")}
	if f, ok := errors.AsType[*fault.Error](o.Check(true)); ok {
		for _, field := range f.Fields {
			bad.Fields = append(bad.Fields, fault.Field{Path: "query." + field.Path, Message: field.Message})
		}
	}
	if o.Kind == images.KindPart {
		bad.Fields = append(bad.Fields, fault.Field{Path: "query.kind", Message: "is of uploads that go on"})
	}
	if o.Arch != "" && o.Arch != "amd64" && o.Arch != "arm64" {
		bad.Fields = append(bad.Fields, fault.Field{Path: "query.arch", Message: "is not amd64 or arm64"})
	}
	if len(bad.Fields) > 0 {
		return o, bad
	}
	return o, nil
}

// octets refuses what is plainly no image, such as a form.
func octets(r *http.Request) error {
	if r.ContentLength == 0 {
		return newProblem(r.Context(), http.StatusBadRequest, "the request has no body", "send the image file as the body")
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Type") != "" && (err != nil || kind != "application/octet-stream") {
		return newProblem(r.Context(), http.StatusUnsupportedMediaType, "an image is sent as application/octet-stream, not "+kind, "")
	}
	return nil
}

// patience is how long an upload may stand still.
const patience = time.Minute

// patient reads a body that may take hours but may not stand still.
type patient struct {
	body    io.Reader
	control *http.ResponseController
}

// Read sets the deadline anew. A body that breaks off or stops is the sender's fault.
func (p *patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(patience)) // not every transport has one
	n, err := p.body.Read(b)
	if err != nil && err != io.EOF {
		err = fault.New(fault.Unreachable, "the upload broke off: %w", err).WithHint("send it again")
	}
	return n, err
}
