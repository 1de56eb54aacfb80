package run

import (
	"context"
	"errors"
	"io"
	"strings"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/source/web"
)

// work is one import while it is done.
type work struct {
	*Task
	lent[images.Import]
	i *images.Import
}

func (t *Task) importing(i *images.Import) *work {
	w := &work{Task: t, i: i}
	w.now = t.Now
	w.moved = func(was, is images.Import) bool { return is.State != was.State || is.Done != was.Done }
	w.note = func(ctx context.Context, is images.Import) error {
		return t.Store.NoteImageImport(ctx, &is, t.Owner, lease)
	}
	return w
}

// do does the import, and writes down meanwhile how far it is.
func (w *work) do(ctx context.Context) error {
	is, err := w.run(ctx, *w.i, w.take)
	w.i.Bytes, w.i.Done = is.Bytes, is.Done
	return err
}

// reached says how far the file is.
func (w *work) reached(state images.ImportState, done, total int64) {
	w.change(func(next *images.Import) {
		next.State, next.Done = state, done
		if total > 0 {
			next.Bytes = total
		}
		if total > 0 && done >= total {
			next.State = images.Checking
		}
	})
}

// take takes in what the order asks for.
func (w *work) take(ctx context.Context) error {
	o := w.i.Order
	if o.Kind == images.KindNetboot {
		return w.takeParts(ctx)
	}
	f, err := w.open(ctx, &o)
	if err != nil {
		return err
	}
	defer f.Close()
	state := images.Fetching
	if w.i.From == "upload" {
		state = images.Checking
	}
	w.reached(state, 0, o.Bytes)
	record := func(img *images.Image) error { return w.Store.AddImage(ctx, img, w.i.Actor) }
	if o.Kind == images.KindPart {
		record = nil
	}
	img, err := w.Door.Import(ctx, f, o, func(done, total int64) { w.reached(state, done, total) }, record)
	if err != nil {
		return err
	}
	w.i.Digest = img.Digest
	return nil
}

// open opens the one file of an order, and adds to the order what is known of it.
func (w *work) open(ctx context.Context, o *images.ImportOrder) (io.ReadCloser, error) {
	switch {
	case o.URL != "":
		fetcher := &web.Fetcher{Client: w.client(), Backoff: w.Backoff}
		f, size, err := fetcher.Fetch(ctx, o.URL)
		o.Bytes = size
		return f, err
	case o.OCI != "":
		l, err := w.oci().Fetch(ctx, o.OCI, o.Layer, o.Arch)
		if err != nil {
			return nil, err
		}
		if o.SHA256 != "" && o.SHA256 != l.SHA256 {
			return nil, errors.Join(fault.Invalidf("the artifact's layer has digest %s, expected %s", l.SHA256, o.SHA256).WithHint("correct the reference or the expected digest"), l.Close())
		}
		o.SHA256, o.Bytes = l.SHA256, l.Bytes
		return l, nil
	case o.Path != "":
		f, err := w.file(o.Path)
		if err != nil {
			return nil, err
		}
		if st, err := f.Stat(); err == nil {
			o.Bytes = st.Size()
		}
		return f, nil
	}
	f, err := w.Door.Blobs.OpenUpload(w.i.ID)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err == nil {
		o.Bytes = st.Size()
	}
	return f, nil
}

// takeParts brings the files of a netboot image in, one after the other, then makes the
// image of them.
func (w *work) takeParts(ctx context.Context) error {
	var parts []images.Part
	var arch string
	signers := map[string]bool{}
	for _, p := range w.i.Order.Parts {
		part, seen, err := w.takePart(ctx, p)
		if err != nil {
			return partFault(p.Name, err)
		}
		parts = append(parts, images.Part{Name: p.Name, Digest: part.Digest, Bytes: part.Bytes})
		if p.Name == images.PartKernel {
			arch = seen
		}
		signers[part.Signed] = true
	}
	signed := ""
	if len(signers) == 1 {
		for signed = range signers {
		}
	}
	img, err := netboot(w.i.Order, parts, arch, signed)
	if err != nil {
		return err
	}
	digests := make([]string, len(parts))
	for i, p := range parts {
		digests[i] = p.Digest
	}
	w.i.Digest = img.Digest
	return w.Door.Blobs.Holding(digests, func() error { return w.Store.AddImage(ctx, img, w.i.Actor) })
}

// takePart brings one part in; one that was uploaded is read again, so that what is judged
// is what is stored.
func (w *work) takePart(ctx context.Context, p images.PartOrder) (*images.Image, string, error) {
	o := images.ImportOrder{Name: p.Name, Kind: images.KindPart, URL: p.URL, Path: p.Path, SHA256: p.SHA256, Signature: p.Signature}
	var f io.ReadCloser
	var err error
	if p.Digest != "" {
		digest := "sha256:" + strings.TrimPrefix(p.Digest, "sha256:")
		o.SHA256 = strings.TrimPrefix(digest, "sha256:")
		f, err = w.Door.Blobs.OpenFile(digest)
	} else {
		f, err = w.open(ctx, &o)
	}
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	img, err := w.Door.Import(ctx, f, o, func(done, total int64) { w.reached(images.Fetching, done, total) }, nil)
	if err != nil {
		return nil, "", err
	}
	return img, img.Arch, nil
}

// partFault says which part it is.
func partFault(name string, err error) error {
	e := fault.New(fault.KindOf(err), "part %s: %w", name, err)
	return e.WithHint("%s", fault.HintOf(err))
}
