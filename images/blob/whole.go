package blob

import (
	"bytes"
	"io"

	"rackwright/fault"
	"rackwright/images"
	"rackwright/inventory"
)

// MaxFile is the largest file that is kept whole: 64 GiB.
const MaxFile = int64(64) << 30

// whole takes in a file that is kept as it is: an ISO image, or a part of a netboot image.
func (n *intake) whole() (Imported, error) {
	t, err := n.s.temp()
	if err != nil {
		return Imported{}, err
	}
	defer t.discard()
	limit := min(n.o.MaxBytes, MaxFile)
	size, err := io.Copy(t, io.LimitReader(n.src, limit+1))
	switch {
	case n.src.failed != nil:
		return Imported{}, n.src.failed
	case err != nil:
		return Imported{}, err
	case size == 0:
		return Imported{}, fault.Invalidf("the file is empty").WithHint("send the file as its publisher ships it")
	case size > limit:
		return Imported{}, fault.Invalidf("the file is larger than %d bytes", limit).WithHint("no file that is kept whole may exceed this")
	}
	in := Imported{Format: "file", Bytes: size, Stored: size}
	if err := n.judge(&in); err != nil {
		return Imported{}, err
	}
	if err := n.inspect(t, &in); err != nil {
		return Imported{}, err
	}
	in.Digest = in.Source
	path, err := n.s.path(in.Digest, ".file")
	if err != nil {
		return Imported{}, err
	}
	return in, n.s.settle(t, path, func() error {
		if n.o.Record == nil {
			return nil
		}
		return n.o.Record(in)
	})
}

// inspect says what the file is for.
func (n *intake) inspect(t *tempFile, in *Imported) (err error) {
	if n.o.Kind != images.KindISO {
		head := make([]byte, min(in.Bytes, images.HeadBytes))
		if _, err := t.file.ReadAt(head, 0); err != nil {
			return diskFault(n.s.dir, err)
		}
		if bytes.HasPrefix(bytes.ToLower(head), []byte("<!doctype html")) || bytes.HasPrefix(bytes.ToLower(head), []byte("<html")) {
			return fault.Invalidf("the file is a web page").WithHint("give the address of the file itself")
		}
		in.Layout.Arch = images.KernelArch(head)
		return nil
	}
	in.Format = "iso"
	in.Layout.Arch = n.o.Arch
	if in.Layout.Arch == "" {
		in.Layout.Arch = "amd64"
	}
	in.Layout.Firmware, err = images.InspectISO(t.file, in.Bytes)
	if in.Layout.Arch == "arm64" && err == nil {
		in.Layout.Firmware = []inventory.Firmware{inventory.UEFI}
	}
	return err
}
