// Package run brings images into the catalogue and keeps its bytes in order: it takes files
// in, does the imports that were asked for, and removes what nobody needs. What an image
// is, images and images/blob say.
package run

import (
	"cmp"
	"context"
	"io"
	"strings"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
	"rackwright/images/proof"
	"rackwright/inventory"
)

// Records is what the door asks of the database.
type Records interface {
	Images(ctx context.Context) ([]images.Image, error)
	Image(ctx context.Context, idOrName string) (*images.Image, error)
	DigestUsed(ctx context.Context, digest string) (bool, error)
	FirmwareDigestUsed(ctx context.Context, digest string) (bool, error)
}

// Door is where bytes come in and go out.
type Door struct {
	Records Records
	Blobs   *blob.Store
	Keys    *proof.Keys // trusted; nil: none
	Strict  bool        // nothing comes in without a signature
}

// Import takes one file in as what the order says, and calls record while nobody can
// collect its bytes. A part has no record (nil), and the image returned only its digest.
func (d *Door) Import(ctx context.Context, r io.Reader, o images.ImportOrder, progress func(done, total int64), record func(*images.Image) error) (*images.Image, error) {
	judge, err := d.judge(o.Signature)
	if err != nil {
		return nil, err
	}
	var img *images.Image
	opts := blob.Options{Kind: o.Kind, Arch: o.Arch, ExpectSHA256: o.SHA256, Total: o.Bytes, Progress: progress, Proof: judge}
	opts.Record = func(in blob.Imported) error {
		img = imageOf(o, in)
		if record == nil {
			return nil
		}
		return record(img)
	}
	if _, err := d.Blobs.Import(ctx, r, opts); err != nil {
		return nil, err
	}
	return img, nil
}

// judge returns what proves the signature, nil for none where none is asked for.
func (d *Door) judge(signature string) (blob.Proof, error) {
	keys := d.Keys
	if keys == nil {
		keys = &proof.Keys{}
	}
	switch {
	case strings.TrimSpace(signature) == "" && d.Strict:
		return nil, fault.Deniedf("this server takes no image without a signature").WithHint("give --signature FILE, made by minisign or by cosign sign-blob with a key the server trusts")
	case strings.TrimSpace(signature) == "":
		return nil, nil
	case keys.Len() == 0:
		return nil, fault.Deniedf("this server trusts no key, so the signature cannot be checked").WithHint("name public keys in images.trusted_keys of the server's configuration")
	}
	return keys.Judge(signature)
}

func imageOf(o images.ImportOrder, in blob.Imported) *images.Image {
	img := &images.Image{Name: o.Name, Kind: o.Kind, Digest: in.Digest, Source: in.Source, Format: in.Format, Arch: in.Layout.Arch, Firmware: in.Layout.Firmware,
		Bytes: in.Bytes, Stored: in.Stored, Signed: in.Signed}
	if o.Kind == images.KindISO {
		img.Parts = []images.Part{{Name: images.PartISO, Digest: in.Digest, Bytes: in.Bytes}}
	}
	return img
}

// netboot makes an image of parts that are all in the store.
func netboot(o images.ImportOrder, parts []images.Part, kernelArch, signed string) (*images.Image, error) {
	img := &images.Image{Name: o.Name, Kind: images.KindNetboot, Format: "files", Parts: parts, Args: o.Args, Answers: o.Answers, Template: o.Template, Signed: signed}
	for _, p := range parts {
		img.Bytes += p.Bytes
	}
	img.Stored = img.Bytes
	if img.Arch = cmp.Or(kernelArch, o.Arch); img.Arch == "" {
		return nil, fault.Invalidf("the kernel does not tell which architecture it is for").WithHint("give --arch amd64 or --arch arm64")
	}
	if o.Arch != "" && o.Arch != img.Arch {
		return nil, fault.Invalidf("the kernel is for %s, not for %s", img.Arch, o.Arch).WithHint("correct --arch, or add the kernel for it")
	}
	img.Firmware = []inventory.Firmware{inventory.UEFI}
	if img.Arch == "amd64" {
		img.Firmware = []inventory.Firmware{inventory.BIOS, inventory.UEFI}
	}
	var err error
	img.Digest, err = images.NetbootDigest(img)
	img.Source = img.Digest
	return img, err
}

// Keep reports whether anything needs the bytes of a digest.
func (d *Door) Keep(ctx context.Context, digest string) (bool, error) {
	used, err := d.Records.DigestUsed(ctx, digest)
	if err != nil || used {
		return used, err
	}
	return d.Records.FirmwareDigestUsed(ctx, digest)
}

// Forget drops the bytes of an image whose record is gone. While another comes in, the
// bytes stay until the next collection.
func (d *Door) Forget(ctx context.Context, img images.Image) error {
	digests := []string{img.Digest}
	for _, p := range img.Parts {
		digests = append(digests, p.Digest)
	}
	if _, err := d.Blobs.Forget(ctx, digests, d.Keep); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	return nil
}

// Collectable says what a job would remove because nobody needs it.
func (d *Door) Collectable(ctx context.Context) (images.Collected, error) {
	return d.Blobs.Collectable(ctx, d.Keep)
}

// Shared says of images, by digest, how many stored bytes others have, too.
func (d *Door) Shared(ctx context.Context) (map[string]int64, error) {
	shared, err := d.Blobs.Shared()
	if err != nil {
		return nil, err
	}
	all, err := d.Records.Images(ctx)
	users := map[string]int{}
	for _, i := range all {
		if users[i.Digest]++; users[i.Digest] > 1 { // the same under two names
			shared[i.Digest] = i.Stored
		}
	}
	return shared, err
}

// Check reads all bytes of an image, "" for every one, and says what is wrong. progress may
// be nil.
func (d *Door) Check(ctx context.Context, image string, progress func(images.Reach)) (*images.Health, error) {
	all, err := d.Records.Images(ctx)
	if err != nil {
		return nil, err
	}
	looked := all
	if image != "" {
		one, err := d.Records.Image(ctx, image)
		if err != nil {
			return nil, err
		}
		looked = []images.Image{*one}
	}
	names := map[string][]images.Damage{} // digest -> what it is called
	var subjects []blob.Subject
	look := func(digest string, kind images.Kind, called images.Damage) {
		if names[digest] == nil {
			subjects = append(subjects, blob.Subject{Digest: digest, Kind: kind})
		}
		names[digest] = append(names[digest], called)
	}
	for _, i := range looked {
		if !i.Kind.Whole() {
			look(i.Digest, i.Kind, images.Damage{Image: i.Name})
		}
		for _, p := range i.Parts {
			look(p.Digest, images.KindPart, images.Damage{Image: i.Name, Part: p.Name})
		}
	}
	report, err := d.Blobs.Check(ctx, subjects, progress)
	if err != nil {
		return nil, err
	}
	return health(looked, all, report, names), nil
}

func health(looked, all []images.Image, r blob.Report, names map[string][]images.Damage) *images.Health {
	out := &images.Health{Images: len(looked), Chunks: r.Chunks, Files: r.Files, Bytes: r.Bytes, Damage: []images.Damage{}, Orphans: r.Orphans, OrphanBytes: r.OrphanBytes, Unrecorded: []string{}}
	for _, bad := range r.Damage {
		for _, d := range names[bad.Digest] {
			if len(out.Damage) == images.MaxDamage {
				out.More++
				continue
			}
			d.Offset, d.Bytes, d.Where, d.What = bad.Offset, bad.Bytes, bad.Where, bad.What
			out.Damage = append(out.Damage, d)
		}
	}
	known := map[string]bool{}
	for _, i := range all {
		known[i.Digest] = true
	}
	for _, d := range r.Unrecorded {
		if !known[d] {
			out.Unrecorded = append(out.Unrecorded, d)
		}
	}
	return out
}
