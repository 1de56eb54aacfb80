package main

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strconv"

	"rackwright/firmware"
	firmwareserve "rackwright/firmware/serve"
	"rackwright/images/blob"
	"rackwright/store"
)

// shelf keeps the bytes of firmware files beside the images.
type shelf struct {
	db    *store.DB
	blobs *blob.Store

	port   uint16     // of the HTTPS server that BMCs can fetch from; 0: there is none
	public netip.Addr // the address it is reached by, when it was configured
}

// Put implements api.FirmwareBytes.
func (s shelf) Put(ctx context.Context, r io.Reader, sha256 string) (string, int64, error) {
	return s.blobs.Put(ctx, r, sha256, firmware.MaxBytes)
}

// Has implements api.FirmwareBytes.
func (s shelf) Has(digest string) bool {
	f, err := s.blobs.OpenFile(digest)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// Forget implements api.FirmwareBytes: it drops the bytes of a digest that no file of the
// catalogue has.
func (s shelf) Forget(ctx context.Context, digest string) error {
	used, err := s.db.FirmwareDigestUsed(ctx, digest)
	if err != nil || used {
		return err
	}
	return s.blobs.RemoveFile(digest)
}

// OpenFile implements the worker's Depot.
func (s shelf) OpenFile(digest string) (io.ReadCloser, error) { return s.blobs.OpenFile(digest) }

// URL implements the worker's Depot.
func (s shelf) URL(bmcAddress, ticket, original string) string {
	host := towards(bmcAddress, s.public)
	if s.port == 0 || host == "" {
		return ""
	}
	return firmwareserve.URL(net.JoinHostPort(host, strconv.Itoa(int(s.port))), ticket, original)
}
