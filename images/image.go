// Package images says which systems can be installed: name, kind, format, size and the
// digests that prove every byte. It holds no bytes (images/blob does).
package images

import (
	"time"

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
)

// Image is an installable system.
type Image struct {
	ID        string               `json:"id"`
	Name      string               `json:"name" doc:"Unique name, e.g. debian-12"`
	Kind      Kind                 `json:"kind" enum:"disk,rootfs,netboot,iso" doc:"What it is and so how it is deployed"`
	Digest    string               `json:"digest" doc:"sha256:... of the manifest; immutable"`
	Source    string               `json:"source_digest" doc:"sha256:... of the file as it was added"`
	Format    string               `json:"source_format" doc:"raw, qcow2; with gzip, xz or zstd around it"`
	Arch      string               `json:"arch" enum:"amd64,arm64"`
	Firmware  []inventory.Firmware `json:"firmware" nullable:"false" doc:"Boot modes it can boot in"`
	Bytes     int64                `json:"bytes" doc:"Size on disk when written"`
	Stored    int64                `json:"stored_bytes" doc:"Size as stored and sent"`
	CreatedAt time.Time            `json:"created_at"`
}
