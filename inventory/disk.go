package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/fault"
)

// DiskHint says which disk may be written. All given fields must match. It must leave
// exactly one disk, unless Pick says which of several is meant: no deployment ever writes
// the one that happened to be found first.
type DiskHint struct {
	Serial     string   `json:"serial,omitempty"`
	WWN        string   `json:"wwn,omitempty"`
	BusPath    string   `json:"bus_path,omitempty" doc:"Where it is connected, exactly as observed, e.g. pci-0000:00:1f.2-ata-1"`
	Model      string   `json:"model,omitempty" doc:"Substring of the model"`
	Type       string   `json:"type,omitempty" enum:"nvme,ssd,hdd,virtual"`
	Rotational string   `json:"rotational,omitempty" enum:"yes,no" doc:"Whether it has platters that turn"`
	MinBytes   int64    `json:"min_bytes,omitempty" minimum:"0"`
	MaxBytes   int64    `json:"max_bytes,omitempty" minimum:"0"`
	Pick       DiskPick `json:"pick,omitempty" enum:"only,smallest,largest,first" doc:"Which of several that match: only (default) refuses; first by bus path, then serial number"`
}

// DiskPick says which of several disks that match is meant.
type DiskPick string

// The picks. Equals are told apart by bus path, then serial number.
const (
	PickOnly     DiskPick = "only" // the default: several are refused
	PickSmallest DiskPick = "smallest"
	PickLargest  DiskPick = "largest"
	PickFirst    DiskPick = "first"
)

// IsZero reports whether no hint was given.
func (h DiskHint) IsZero() bool { return h == DiskHint{} }

// String prints the hint as a person would write it.
func (h DiskHint) String() string {
	var parts []string
	add := func(name, value string) {
		if value != "" && value != "0" {
			parts = append(parts, name+"="+value)
		}
	}
	add("serial", h.Serial)
	add("wwn", h.WWN)
	add("bus_path", h.BusPath)
	add("model", h.Model)
	add("type", h.Type)
	add("rotational", h.Rotational)
	add("min_bytes", fmt.Sprint(h.MinBytes))
	add("max_bytes", fmt.Sprint(h.MaxBytes))
	add("pick", string(h.Pick))
	if len(parts) == 0 {
		return "no hint"
	}
	return strings.Join(parts, " ")
}

// Matches reports whether the disk fits every given field of the hint.
func (h DiskHint) Matches(d Disk) bool {
	return (h.Serial == "" || strings.EqualFold(h.Serial, strings.TrimSpace(d.Serial))) &&
		(h.WWN == "" || strings.EqualFold(trimWWN(h.WWN), trimWWN(d.WWN))) &&
		(h.BusPath == "" || h.BusPath == d.BusPath) &&
		(h.Model == "" || strings.Contains(strings.ToLower(d.Model), strings.ToLower(h.Model))) &&
		(h.Type == "" || h.Type == d.Type) &&
		(h.Rotational == "" || (h.Rotational == "yes") == d.Rotational) &&
		(h.MinBytes == 0 || d.Bytes >= h.MinBytes) &&
		(h.MaxBytes == 0 || d.Bytes <= h.MaxBytes)
}

// Choose returns the one writable disk the hint names. None, several, or two that cannot
// be told apart is Conflict, and the error lists the disks that are there. A machine with
// one disk needs no hint.
func (h DiskHint) Choose(disks []Disk) (Disk, error) {
	fit, err := h.fitting(disks, 1)
	if err != nil {
		return Disk{}, err
	}
	return fit[0], nil
}

// ChooseTwo returns the two disks of a mirror: the first two in the order of Pick, or the
// only two that match.
func (h DiskHint) ChooseTwo(disks []Disk) ([]Disk, error) {
	fit, err := h.fitting(disks, 2)
	if err != nil {
		return nil, err
	}
	return fit[:2], nil
}

// fitting are the disks that match in the order of Pick, when n of them are meant.
func (h DiskHint) fitting(disks []Disk, n int) ([]Disk, error) {
	var fit []Disk
	for _, d := range disks {
		if d.Writable() && h.Matches(d) {
			fit = append(fit, d)
		}
	}
	slices.SortStableFunc(fit, h.order)
	switch {
	case len(fit) == 0:
		return nil, fault.Conflictf("no disk matches %s; seen: %s", h, listDisks(disks)).
			WithHint("correct root_disk in the plan to one of the disks seen, or replace the disk")
	case len(fit) < n:
		return nil, fault.Conflictf("only one disk matches %s: %s", h, listDisks(fit)).WithHint("a mirror needs two disks: correct root_disk in the plan, or leave the mirror out")
	case len(fit) > n && (h.Pick == "" || h.Pick == PickOnly):
		return nil, fault.Conflictf("%d disks match %s: %s", len(fit), h, listDisks(fit)).
			WithHint("name the disk by serial or wwn in root_disk of the plan, or say which with pick")
	case len(fit) > n && h.order(fit[n-1], fit[n]) == 0:
		return nil, fault.Conflictf("disks that match %s cannot be told apart: %s", h, listDisks(fit)).WithHint("name the disk by wwn or bus_path in root_disk of the plan")
	}
	return fit, nil
}

// order sorts by what Pick asks for, then by place and name, never by discovery.
func (h DiskHint) order(a, b Disk) int {
	size := 0
	switch h.Pick {
	case PickSmallest:
		size = cmp.Compare(a.Bytes, b.Bytes)
	case PickLargest:
		size = cmp.Compare(b.Bytes, a.Bytes)
	}
	return cmp.Or(size, natural(a.BusPath, b.BusPath), cmp.Compare(a.Serial, b.Serial), cmp.Compare(a.WWN, b.WWN))
}

// natural compares texts with numbers by their value: ata-2 stands before ata-10.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := number(a), number(b)
		if x == 0 || y == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		m, n := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
			return c
		}
		a, b = a[x:], b[y:]
	}
	return cmp.Compare(len(a), len(b))
}

// number is how many digits a text begins with.
func number(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// DiskOwner is the record of a deployment on the disk it wrote.
type DiskOwner struct {
	Machine   string    `json:"machine,omitempty" doc:"SMBIOS system UUID of the machine it was written for"`
	Operation string    `json:"operation" doc:"Operation that wrote it"`
	Digest    string    `json:"digest,omitempty" doc:"Of the image"`
	Written   time.Time `json:"written_at,omitzero" doc:"By the machine's clock"`
	Whole     bool      `json:"whole" doc:"The deployment was written to its end"`
}

// Writable reports whether the disk could hold a system.
func (d Disk) Writable() bool { return !d.ReadOnly && d.Bytes > 0 }

// Same reports whether two observations are of one disk: serial number, WWN and size
// agree; a disk that has neither name is known by where it is connected, or by its node
// when nothing else is known of it.
func (d Disk) Same(other Disk) bool {
	if d.Bytes != other.Bytes || !strings.EqualFold(strings.TrimSpace(d.Serial), strings.TrimSpace(other.Serial)) || !strings.EqualFold(trimWWN(d.WWN), trimWWN(other.WWN)) {
		return false
	}
	return strings.TrimSpace(d.Serial) != "" || d.WWN != "" || d.BusPath == other.BusPath && (d.BusPath != "" || d.Path == other.Path)
}

// Label names the disk for people: its serial number, else its WWN, bus path or node.
func (d Disk) Label() string {
	return cmp.Or(strings.TrimSpace(d.Serial), d.WWN, d.BusPath, d.Path)
}

func listDisks(disks []Disk) string {
	if len(disks) == 0 {
		return "no disks"
	}
	parts := make([]string, len(disks))
	for i, d := range disks {
		where := ""
		if d.BusPath != "" {
			where = " at " + d.BusPath
		}
		parts[i] = fmt.Sprintf("%s (serial %q, %d bytes, %s%s)", d.Path, d.Serial, d.Bytes, d.Type, where)
	}
	return strings.Join(parts, ", ")
}

// trimWWN drops the prefixes that Linux and vendors put before the same number.
func trimWWN(s string) string {
	s = strings.ToLower(s)
	for _, prefix := range []string{"0x", "naa.", "eui.", "nvme."} {
		s = strings.TrimPrefix(s, prefix)
	}
	return s
}
