package boot

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strings"

	"rackwright/fault"
)

// Bounds of an archive.
const (
	maxRelease = 512 << 20 // bytes, unpacked
	maxPairs   = 16        // folders with a shim or an iPXE
)

// pair is the shim and the iPXE of one folder of an archive, nil where it has none.
type pair struct {
	folder       string
	shim, second []byte
}

// SignedRelease takes shim and iPXE for a processor, amd64 or arm64, out of a signed release
// of iPXE: a tar, plain or in gzip, with both in one folder. Their names are those that the
// operator's folder has them under.
func SignedRelease(archive io.Reader, machine string) ([]*LoaderFile, error) {
	suffix := map[string]string{"amd64": "x64.efi", "arm64": "aa64.efi"}[machine]
	if suffix == "" {
		return nil, fault.Invalidf("there is no signed iPXE for %q", machine).WithHint("amd64 or arm64")
	}
	pairs, err := pairsIn(archive, suffix)
	if err != nil {
		return nil, err
	}
	wrong := "no folder of it has both"
	for _, p := range pairs {
		if p.shim == nil || p.second == nil {
			continue
		}
		if wrong = p.wrong(machine); wrong == "" {
			return []*LoaderFile{p.file("ipxe-shim"+suffix, machine, p.shim), p.file("ipxe.efi", machine, p.second)}, nil
		}
	}
	return nil, fault.Invalidf("the archive has no signed iPXE for %s, which is shim%s (or ipxe-shim%s) and ipxe.efi: %s", machine, suffix, suffix, wrong).
		WithHint("take iPXE's release for Secure Boot")
}

// pairsIn reads the shims and iPXEs of an archive, by folder.
func pairsIn(archive io.Reader, suffix string) (out []*pair, err error) {
	unpacked, err := inflated(archive)
	if err != nil {
		return nil, err
	}
	in := tar.NewReader(unpacked)
	for {
		h, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fault.Invalidf("the archive cannot be read: %w", err).WithHint("a tar, plain or in gzip, of at most %d MiB unpacked", maxRelease>>20)
		case h.Typeflag != tar.TypeReg:
			continue
		}
		folder, name := path.Split(h.Name)
		name = strings.TrimPrefix(strings.ToLower(name), "ipxe-")
		if name != "shim"+suffix && name != "ipxe.efi" {
			continue
		}
		if h.Size > maxLoader {
			return nil, fault.Invalidf("%s of the archive has more than %d bytes", path.Base(h.Name), maxLoader)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			return nil, fault.Invalidf("the archive cannot be read: %w", err)
		}
		if out = withFolder(out, folder); len(out) > maxPairs {
			return nil, fault.Invalidf("the archive has iPXE in more than %d folders", maxPairs)
		}
		for _, p := range out {
			switch {
			case p.folder != folder:
			case name == "ipxe.efi":
				p.second = content
			default:
				p.shim = content
			}
		}
	}
}

func withFolder(list []*pair, folder string) []*pair {
	for _, p := range list {
		if p.folder == folder {
			return list
		}
	}
	return append(list, &pair{folder: folder})
}

// inflated is the archive without its compression, cut where it is larger than it may be.
func inflated(archive io.Reader) (io.Reader, error) {
	r := bufio.NewReader(archive)
	if head, _ := r.Peek(2); !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return io.LimitReader(r, maxRelease), nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fault.Invalidf("the archive cannot be read: %w", err)
	}
	return io.LimitReader(z, maxRelease), nil
}

// wrong says why firmware with Secure Boot does not start a pair, "" when nothing speaks
// against it.
func (p *pair) wrong(machine string) string {
	for _, f := range []struct {
		name    string
		content []byte
	}{{"the shim", p.shim}, {"ipxe.efi", p.second}} {
		got, wrong := readProgram(f.content)
		switch {
		case wrong != "":
			return f.name + ": " + wrong
		case got.machine != machine:
			return f.name + " is for " + got.machine
		case !got.signed:
			return f.name + " carries no signature"
		}
	}
	return ""
}

func (p *pair) file(name, machine string, content []byte) *LoaderFile {
	l := newLoader(string(SignedIPXE)+"/"+name, "uefi "+machine+", "+string(SignedIPXE), "a signed release of iPXE", content)
	l.Signed, l.machine = true, machine
	return l
}
