package boot

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	ipxe "github.com/tinkerbell/ipxedust/binary"
)

// LoaderFile is one network boot loader.
type LoaderFile struct {
	Name   string `json:"name"`
	For    string `json:"for" doc:"Firmware it is for"`
	Size   int    `json:"size"`
	Digest string `json:"digest" doc:"sha256:<hexadecimal>"`
	Source string `json:"source" doc:"Build and revision it comes from"`
	bytes  []byte
}

// Bytes returns the file's content; the caller does not change it.
func (l *LoaderFile) Bytes() []byte { return l.bytes }

// Loaders is the shelf of loaders by file name, immutable.
type Loaders struct{ files []*LoaderFile }

// The iPXE revision inside the ipxedust module pinned in go.mod, from its
// binary/script/ipxe.commit.
const ipxeSource = "iPXE 0cc8177cf798bb4cb0cabd1863056ee0245560d5, built by tinkerbell/ipxedust"

// NewLoaders returns the built-in loaders: those of the ipxedust module, the UEFI ones
// with our own start script (see embedded).
func NewLoaders() *Loaders {
	x64, _ := withScript(ipxe.IpxeEFI, embedded)
	arm64, _ := withScript(ipxe.SNP, embedded)
	return &Loaders{files: []*LoaderFile{
		newLoader("ipxe.efi", "uefi x64", ipxeSource+", own start script", x64),
		newLoader("snp.efi", "uefi arm64", ipxeSource+", own start script", arm64),
		newLoader("undionly.kpxe", "bios", ipxeSource, ipxe.Undionly),
	}}
}

func newLoader(name, forWhat, source string, content []byte) *LoaderFile {
	sum := sha256.Sum256(content)
	return &LoaderFile{Name: name, For: forWhat, Size: len(content), Source: source,
		Digest: "sha256:" + hex.EncodeToString(sum[:]), bytes: content}
}

// Get returns the loader a client asked for by path: a leading slash and a boot/
// directory are ignored, as firmware adds them freely. It returns nil for all else.
func (l *Loaders) Get(path string) *LoaderFile {
	name := strings.TrimPrefix(strings.TrimPrefix(path, "/"), "boot/")
	for _, f := range l.files {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// List returns the loaders in the order of their names.
func (l *Loaders) List() []*LoaderFile { return slices.Clone(l.files) }
