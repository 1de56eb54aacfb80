// Package images says which systems can be installed: name, kind, format, size and the
// digests that prove every byte. It holds no bytes (images/blob does).
package images

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"rackwright/fault"
	"rackwright/inventory"
)

// Kind is what an image is, and so how it is deployed.
type Kind string

// The kinds.
const (
	KindDisk    Kind = "disk"    // a whole disk with a partition table and a boot loader
	KindRootFS  Kind = "rootfs"  // a tar of a root file system
	KindNetboot Kind = "netboot" // a kernel, an initial ramdisk and what they load
	KindISO     Kind = "iso"     // an ISO 9660 image for a virtual CD

	KindPart Kind = "part" // of uploads only: a file that a netboot image will name
)

// Whole reports whether the bytes are kept as files instead of chunks.
func (k Kind) Whole() bool { return k == KindNetboot || k == KindISO || k == KindPart }

// Image is an installable system.
type Image struct {
	ID        string               `json:"id"`
	Name      string               `json:"name" doc:"Unique name, e.g. debian-12"`
	Kind      Kind                 `json:"kind" enum:"disk,rootfs,netboot,iso" doc:"What it is and so how it is deployed"`
	Digest    string               `json:"digest" doc:"sha256:... that proves every byte; immutable. Of the manifest (disk, rootfs), the file (iso), or the list of parts (netboot)"`
	Source    string               `json:"source_digest" doc:"sha256:... of the file as it was added"`
	Format    string               `json:"source_format" doc:"raw, qcow2, tar; with gzip, xz or zstd around it; iso; files"`
	Arch      string               `json:"arch" enum:"amd64,arm64"`
	Firmware  []inventory.Firmware `json:"firmware" nullable:"false" doc:"Boot modes it can boot in"`
	Bytes     int64                `json:"bytes" doc:"Size when unpacked: on disk, of the tar, of the files"`
	Stored    int64                `json:"stored_bytes" doc:"Size as stored and sent"`
	Shared    int64                `json:"shared_bytes" doc:"Of the stored bytes, those that other images have too"`
	Parts     []Part               `json:"parts,omitempty" nullable:"false" doc:"Files kept whole, of netboot and iso"`
	Args      string               `json:"args,omitempty" doc:"Template of the kernel's arguments, of netboot"`
	Answers   string               `json:"answers,omitempty" enum:"none,preseed,kickstart,autoinstall,ignition" doc:"What the template answers to, of netboot"`
	Template  string               `json:"template,omitempty" doc:"Template of the answers; only where one image is asked for"`
	Signed    string               `json:"signed,omitempty" doc:"Key that signed the file"`
	CreatedAt time.Time            `json:"created_at"`
}

// Part is a file of an image that is kept whole.
type Part struct {
	Name   string `json:"name" doc:"kernel, initrd, or a name of its own; iso for the file of an ISO image"`
	Digest string `json:"digest" doc:"sha256:... of the file"`
	Bytes  int64  `json:"bytes"`
}

// Names of parts that mean something.
const (
	PartKernel = "kernel"
	PartInitrd = "initrd"
	PartISO    = "iso"
)

// answerKinds are what a template can answer to.
func answerKinds() []string {
	return []string{"none", "preseed", "kickstart", "autoinstall", "ignition"}
}

// NetbootDigest is the digest of a netboot image: of its parts and what goes with them.
func NetbootDigest(i *Image) (string, error) {
	b, err := json.Marshal(struct {
		Kind     Kind   `json:"kind"`
		Parts    []Part `json:"parts"`
		Args     string `json:"args"`
		Answers  string `json:"answers"`
		Template string `json:"template"`
	}{i.Kind, i.Parts, i.Args, i.Answers, i.Template})
	if err != nil {
		return "", fault.Internalf("encode parts: %w", err)
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
