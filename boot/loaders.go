package boot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	ipxe "github.com/tinkerbell/ipxedust/binary"

	"rackwright/fault"
	"rackwright/inventory"
)

// LoaderFile is one network boot loader.
type LoaderFile struct {
	Name   string `json:"name"`
	For    string `json:"for" doc:"Firmware it is for"`
	Size   int    `json:"size"`
	Digest string `json:"digest" doc:"sha256:<hexadecimal>"`
	Source string `json:"source" doc:"Build and revision it comes from"`
	Signed bool   `json:"signed" doc:"It carries a signature, of whomever"`
	bytes  []byte
	six    *LoaderFile // for who asks over IPv6, as long; nil: the same

	machine string // of the operator's
}

// Bytes returns the file's content; the caller does not change it.
func (l *LoaderFile) Bytes() []byte { return l.bytes }

// Over returns the file for who asks from an address: our start script begins with its family.
func (l *LoaderFile) Over(peer netip.Addr) *LoaderFile {
	if l.six != nil && peer.Is6() && !peer.Is4In6() {
		return l.six
	}
	return l
}

// Loaders is the shelf of loaders by file name, immutable.
type Loaders struct{ files []*LoaderFile }

// The iPXE revision inside the ipxedust module pinned in go.mod, from its
// binary/script/ipxe.commit.
const ipxeSource = "iPXE 0cc8177cf798bb4cb0cabd1863056ee0245560d5, built by tinkerbell/ipxedust"

// NewLoaders returns the built-in loaders: those of the ipxedust module, the UEFI ones
// with our own start script (see embedded).
func NewLoaders() *Loaders {
	return &Loaders{files: []*LoaderFile{
		started("ipxe.efi", "uefi x64", ipxe.IpxeEFI),
		started("snp.efi", "uefi arm64", ipxe.SNP),
		newLoader("undionly.kpxe", "bios", ipxeSource, ipxe.Undionly),
	}}
}

// started is a loader with our own start script.
func started(name, forWhat string, built []byte) *LoaderFile {
	with := func(script string) *LoaderFile {
		content, _ := withScript(built, script)
		return newLoader(name, forWhat, ipxeSource+", own start script", content)
	}
	l := with(embedded)
	l.six = with(embeddedSix)
	return l
}

func newLoader(name, forWhat, source string, content []byte) *LoaderFile {
	sum := sha256.Sum256(content)
	return &LoaderFile{Name: name, For: forWhat, Size: len(content), Source: source,
		Digest: "sha256:" + hex.EncodeToString(sum[:]), bytes: content}
}

// Get returns the loader a client asked for by path: a leading slash and a boot/
// directory are ignored, as firmware adds them freely, and a second slash between folder
// and name, as shim does. It returns nil for all else.
func (l *Loaders) Get(file string) *LoaderFile {
	name := strings.TrimPrefix(strings.TrimPrefix(file, "/"), "boot/")
	if folder, rest, ok := strings.Cut(name, "//"); ok && folder != "" {
		name = folder + "/" + rest
	}
	for _, f := range l.files {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Optional reports whether loaders ask for a file of this name, in whatever folder, and go on without it:
// iPXE for a script of the operator's, shim for revocations and certificates that came after it.
func Optional(name string) bool {
	switch name = path.Base(name); name {
	case "autoexec.ipxe", "revocations_sku.efi", "revocations_sbat.efi":
		return true
	}
	matched, _ := path.Match("shim_certificate_[0-9].efi", name)
	return matched
}

// List returns the built-in loaders in the order of their names, then the operator's.
func (l *Loaders) List() []*LoaderFile { return slices.Clone(l.files) }

// Offers reports whether a machine can be told of a kind of loader, by its boot mode and its
// processor, each "" where it is not known. A nil shelf has the built-in ones.
func (l *Loaders) Offers(k Kind, mode inventory.Firmware, machine string) bool {
	return slices.ContainsFunc(firmware, func(f firm) bool {
		name := f.loaders[k]
		fits := (mode == "" || f.mode == mode) && (machine == "" || f.machine == machine)
		return fits && name != "" && (k == BuiltIn || l != nil && l.Get(name) != nil)
	})
}

// Bounds of the operator's folder.
const (
	maxLoader  = 16 << 20 // bytes
	maxLoaders = 64       // files of one kind
)

// With returns the shelf with the operator's loaders too: the .efi files of the folders shim,
// ipxe-signed and snponly of a directory, all of which may be missing.
func (l *Loaders) With(dir string) (*Loaders, error) {
	out := &Loaders{files: slices.Clone(l.files)}
	for _, kind := range []Kind{Shim, SignedIPXE, SNP} {
		names, err := filepath.Glob(filepath.Join(dir, string(kind), "*.efi"))
		if err != nil || len(names) > maxLoaders {
			return nil, fault.Invalidf("the folder of loaders %s/%s cannot be used: %d files, at most %d", dir, kind, len(names), maxLoaders)
		}
		for _, name := range names {
			content, p, err := readLoader(name)
			if err != nil {
				return nil, err
			}
			l := newLoader(string(kind)+"/"+filepath.Base(name), "uefi "+p.machine+", "+string(kind), "the operator's folder", content)
			l.Signed, l.machine = p.signed, p.machine
			out.files = append(out.files, l)
		}
	}
	return out, out.startable(dir)
}

func readLoader(name string) (content []byte, p program, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, p, fault.Invalidf("the loader cannot be read: %w", err)
	}
	defer f.Close()
	if content, err = io.ReadAll(io.LimitReader(f, maxLoader+1)); err != nil {
		return nil, p, fault.Invalidf("the loader cannot be read: %w", err)
	}
	wrong := ""
	if p, wrong = readProgram(content); len(content) > maxLoader {
		wrong = fmt.Sprintf("it has more than %d bytes", maxLoader)
	}
	if want := suffixed(filepath.Base(name)); wrong == "" && want != "" && p.machine != want {
		wrong = fmt.Sprintf("it is for %s, and its name is that of one for %s", p.machine, want)
	}
	if wrong != "" {
		return nil, p, fault.Invalidf("the loader %s cannot be used: %s", name, wrong).WithHint("put there what the distribution or iPXE signed, unchanged")
	}
	return content, p, nil
}

// startable looks that iPXE's shims find an iPXE for their own processor: all of them start
// ipxe.efi beside them.
func (l *Loaders) startable(dir string) error {
	second := l.Get(string(SignedIPXE) + "/ipxe.efi")
	for _, f := range l.files {
		if second != nil && strings.HasPrefix(f.Name, string(SignedIPXE)+"/ipxe-shim") && f.machine != second.machine {
			return fault.Invalidf("the loader %s cannot be used: it starts ipxe.efi beside it, which is for %s", filepath.Join(dir, f.Name), second.machine).
				WithHint("one server has a signed iPXE for one processor: take the other's shim away, or the other ipxe.efi")
		}
	}
	return nil
}

// Unsigned are the operator's loaders that Secure Boot is the reason for, and that carry no
// signature.
func (l *Loaders) Unsigned() (out []*LoaderFile) {
	for _, f := range l.files {
		if kind, _, _ := strings.Cut(f.Name, "/"); !f.Signed && (Kind(kind) == Shim || Kind(kind) == SignedIPXE) {
			out = append(out, f)
		}
	}
	return out
}
