package inventory

import (
	"fmt"
	"strings"

	"rackwright/fault"
)

// DiskHint says which disk may be written. All given fields must match; it must
// leave exactly one disk, so that no deployment ever writes "the first".
type DiskHint struct {
	Serial   string `json:"serial,omitempty"`
	WWN      string `json:"wwn,omitempty"`
	Model    string `json:"model,omitempty" doc:"Substring of the model"`
	Type     string `json:"type,omitempty" enum:"nvme,ssd,hdd,virtual"`
	MinBytes int64  `json:"min_bytes,omitempty" minimum:"0"`
	MaxBytes int64  `json:"max_bytes,omitempty" minimum:"0"`
}

// IsZero reports whether no hint was given.
func (h DiskHint) IsZero() bool { return h == DiskHint{} }

// String prints the hint as a person would write it.
func (h DiskHint) String() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	add("serial", h.Serial)
	add("wwn", h.WWN)
	add("model", h.Model)
	add("type", h.Type)
	if h.MinBytes > 0 {
		add("min_bytes", fmt.Sprint(h.MinBytes))
	}
	if h.MaxBytes > 0 {
		add("max_bytes", fmt.Sprint(h.MaxBytes))
	}
	if len(parts) == 0 {
		return "no hint"
	}
	return strings.Join(parts, " ")
}

// Matches reports whether the disk fits every given field of the hint.
func (h DiskHint) Matches(d Disk) bool {
	return (h.Serial == "" || strings.EqualFold(h.Serial, strings.TrimSpace(d.Serial))) &&
		(h.WWN == "" || strings.EqualFold(trimWWN(h.WWN), trimWWN(d.WWN))) &&
		(h.Model == "" || strings.Contains(strings.ToLower(d.Model), strings.ToLower(h.Model))) &&
		(h.Type == "" || h.Type == d.Type) &&
		(h.MinBytes == 0 || d.Bytes >= h.MinBytes) &&
		(h.MaxBytes == 0 || d.Bytes <= h.MaxBytes)
}

// Choose returns the one writable disk the hint names. None or several is Conflict,
// and the error lists the disks that are there. A machine with one disk needs no hint.
func (h DiskHint) Choose(disks []Disk) (Disk, error) {
	var fit []Disk
	for _, d := range disks {
		if !d.ReadOnly && d.Bytes > 0 && h.Matches(d) {
			fit = append(fit, d)
		}
	}
	switch {
	case len(fit) == 1:
		return fit[0], nil
	case len(fit) == 0:
		return Disk{}, fault.Conflictf("no disk matches %s; seen: %s", h, listDisks(disks)).
			WithHint("correct root_disk in the plan to one of the disks seen, or replace the disk")
	default:
		return Disk{}, fault.Conflictf("%d disks match %s: %s", len(fit), h, listDisks(fit)).
			WithHint("name the disk by serial or wwn in root_disk of the plan")
	}
}

func listDisks(disks []Disk) string {
	if len(disks) == 0 {
		return "no disks"
	}
	parts := make([]string, len(disks))
	for i, d := range disks {
		parts[i] = fmt.Sprintf("%s (serial %q, %d bytes, %s)", d.Path, d.Serial, d.Bytes, d.Type)
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
