package api

import (
	"cmp"
	"context"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"rackwright/api/wire"
	"rackwright/fault"
	"rackwright/images"
)

// An upload speaks the core of the tus protocol, version 1.0.0: HEAD tells how much is
// there, PATCH adds to it. POST /images/uploads creates one, with a JSON body of our own.

const (
	tusVersion  = "1.0.0"
	tusBody     = "application/offset+octet-stream"
	uploadsPath = wire.Prefix + "/images/uploads/{import}"
)

func (s *server) imageUploads(mux *chi.Mux) {
	mux.Head(uploadsPath, s.plain("image-upload-offset", s.uploadOffset))
	mux.Patch(uploadsPath, s.plain("continue-image-upload", s.patchUpload))
	s.describePatch()
}

// receiving returns the upload of a request, and what there is of it.
func (s *server) receiving(r *http.Request) (*images.Import, int64, error) {
	i, err := s.Store.ImageImport(r.Context(), chi.URLParam(r, "import"))
	switch {
	case err != nil:
		return nil, 0, err
	case s.Uploads == nil || i.From != "upload":
		return nil, 0, fault.NotFoundf("import %s is no upload", i.ID).WithHint("'rackwright image import list' shows what it is")
	case i.State != images.Receiving:
		return i, i.Bytes, nil
	}
	size, err := s.Uploads.UploadSize(i.ID)
	return i, size, err
}

func (s *server) uploadOffset(w http.ResponseWriter, r *http.Request) {
	i, offset, err := s.receiving(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.tus(w, i, offset)
	w.WriteHeader(http.StatusOK)
}

// tus sets the headers of an answer.
func (s *server) tus(w http.ResponseWriter, i *images.Import, offset int64) {
	w.Header().Set("Tus-Resumable", tusVersion)
	w.Header().Set("Upload-Offset", strconv.FormatInt(offset, 10))
	if i.Bytes > 0 {
		w.Header().Set("Upload-Length", strconv.FormatInt(i.Bytes, 10))
	} else {
		w.Header().Set("Upload-Defer-Length", "1")
	}
}

// patchUpload adds the body to the upload. With the last byte the import begins.
func (s *server) patchUpload(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	i, size, err := s.appendUpload(r, control)
	if err != nil {
		if i != nil {
			s.tus(w, i, size)
		}
		s.refuseUpload(w, r, control, err)
		return
	}
	_ = control.SetReadDeadline(time.Time{})
	s.tus(w, i, size)
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) appendUpload(r *http.Request, control *http.ResponseController) (*images.Import, int64, error) {
	i, size, err := s.receiving(r)
	if err != nil {
		return nil, 0, err
	}
	if i.State != images.Receiving {
		return i, size, fault.Conflictf("the upload has all its bytes").WithHint("'rackwright image import show %s' says what becomes of it", i.ID)
	}
	if err := readTus(r, i); err != nil {
		return i, size, err
	}
	if err := demanded(r, i); err != nil {
		return i, size, err
	}
	at, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || at < 0 {
		return i, size, newProblem(r.Context(), http.StatusBadRequest, "the header Upload-Offset is no number", "send the offset that HEAD tells")
	}
	size, failed := s.Uploads.AppendUpload(r.Context(), i.ID, at, &patient{body: r.Body, control: control}, i.Bytes, i.Kind)
	if failed != nil && !fault.Is(failed, fault.Unreachable) {
		return i, size, failed
	}
	note := s.Store.NoteUpload(context.WithoutCancel(r.Context()), i.ID, size, i.Bytes) // what came is kept, also when the sender is gone
	if failed != nil {
		return i, size, failed
	}
	return i, size, note
}

// readTus reads the headers of a PATCH. The size of a file may come as late as with its
// last part (tus, "Creation", Upload-Defer-Length).
func readTus(r *http.Request, i *images.Import) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != tusBody {
		return newProblem(r.Context(), http.StatusUnsupportedMediaType, "an upload goes on with "+tusBody, "")
	}
	text := r.Header.Get("Upload-Length")
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return newProblem(r.Context(), http.StatusBadRequest, "the header Upload-Length is no size", "send the size of the file in bytes")
	}
	if i.Bytes > 0 && i.Bytes != n {
		return fault.Conflictf("the upload was begun with %d bytes, not %d", i.Bytes, n).WithHint("begin another")
	}
	i.Bytes = n
	return nil
}

// demanded refuses to go on with an upload under other digests than it began with. A header
// that is absent asks for nothing.
func demanded(r *http.Request, i *images.Import) error {
	file, signature := i.Order.Demands()
	for header, began := range map[string]string{wire.UploadSHA256: file, wire.UploadSignature: signature} {
		if now := r.Header.Get(header); now != "" && now != cmp.Or(began, wire.UploadWithout) {
			return fault.Conflictf("the upload was begun with another digest or signature than %s asks for", header).WithHint("begin another")
		}
	}
	return nil
}

// describePatch describes the two routes that huma does not serve.
func (s *server) describePatch() {
	number := &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	id := &huma.Param{Name: "import", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}, Description: "Id of the upload"}
	headers := map[string]*huma.Param{"Upload-Offset": {Schema: number, Description: "Bytes there are"}, "Upload-Length": {Schema: number, Description: "Bytes there will be"}}
	head := op(http.MethodHead, "/images/uploads/{import}", "image-upload-offset", "How many bytes of an upload there are (tus 1.0.0)")
	head.Tags = []string{"images"}
	s.describe(&head)
	head.Parameters = []*huma.Param{id}
	head.Responses["200"] = &huma.Response{Description: "Where to go on", Headers: headers}
	s.huma.OpenAPI().AddOperation(&head)
	patch := op(http.MethodPatch, "/images/uploads/{import}", "continue-image-upload", "Add to an upload (tus 1.0.0); with the last byte its import begins")
	patch.Tags = []string{"images"}
	s.describe(&patch)
	patch.Parameters = []*huma.Param{id, {Name: "Upload-Offset", In: "header", Required: true, Schema: number, Description: "Where the body begins: what HEAD tells"},
		{Name: "Upload-Length", In: "header", Schema: number, Description: "Size of the file, when it was not said at the beginning"},
		{Name: wire.UploadSHA256, In: "header", Schema: &huma.Schema{Type: huma.TypeString}, Description: "Digest of the file that the upload began with, or none; another is refused"},
		{Name: wire.UploadSignature, In: "header", Schema: &huma.Schema{Type: huma.TypeString}, Description: "SHA-256 of the signature that it began with, or none; another is refused"}}
	patch.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{tusBody: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
	patch.Responses["204"] = &huma.Response{Description: "All of the body is there", Headers: headers}
	s.huma.OpenAPI().AddOperation(&patch)
}
