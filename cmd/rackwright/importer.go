package main

import (
	"context"
	"io"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/images/blob"
	"rackwright/store"
)

// importer takes the bytes of images in, and drops them.
type importer struct {
	db    *store.DB
	blobs *blob.Store
}

// Import implements api.Importer: it stores the bytes and says what they are. The API
// makes the record, and calls forget when it cannot.
func (i importer) Import(ctx context.Context, r io.Reader, name, sha256 string) (*images.Image, error) {
	in, err := i.blobs.Import(ctx, r, blob.Options{ExpectSHA256: sha256})
	if err != nil {
		return nil, err
	}
	return &images.Image{Name: name, Kind: images.KindDisk, Digest: in.Digest, Source: in.Source, Format: in.Format, Arch: in.Layout.Arch, Firmware: in.Layout.Firmware,
		Bytes: in.Manifest.Bytes, Stored: in.Manifest.Packed()}, nil
}

// forget drops the bytes of a digest that no image has.
func (i importer) forget(ctx context.Context, img images.Image) error {
	used, err := i.db.DigestUsed(ctx, img.Digest)
	if err != nil || used {
		return err
	}
	if err := i.blobs.Remove(img.Digest); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	_, err = i.blobs.Collect(ctx, i.db.DigestUsed)
	if fault.Is(err, fault.Conflict) { // somebody adds an image: its chunks go when the next one is forgotten
		return nil
	}
	return err
}
