package answer

import (
	"strings"

	"rackwright/fault"
	"rackwright/inventory"
)

// Disk is the disk that the system goes on, as the last inspection saw it.
type Disk struct {
	disk *inventory.Disk
	err  error
	path string
}

// Path is a name of the disk that does not change: /dev/disk/by-id/...
func (d Disk) Path() (string, error) {
	if d.path != "" {
		if !strings.HasPrefix(d.path, "/dev/") || strings.ContainsFunc(d.path, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`'"$\\;|&`+"`", r) || r == 0x7f }) {
			return "", fault.Invalidf("the variable disk is no path below /dev").WithHint("give one of /dev/disk/by-id or by-path")
		}
		return d.path, nil
	}
	if d.err != nil {
		return "", d.err
	}
	return byID(*d.disk)
}

// Serial, Model, WWN and Bytes are as the disk says.
func (d Disk) Serial() (string, error) {
	return d.text(func(i *inventory.Disk) string { return i.Serial })
}

// Model is what the disk calls itself.
func (d Disk) Model() (string, error) {
	return d.text(func(i *inventory.Disk) string { return i.Model })
}

// WWN is its world-wide name.
func (d Disk) WWN() (string, error) { return d.text(func(i *inventory.Disk) string { return i.WWN }) }

// Bytes is its size.
func (d Disk) Bytes() (int64, error) {
	if d.disk == nil {
		return 0, d.err
	}
	return d.disk.Bytes, nil
}

func (d Disk) text(of func(*inventory.Disk) string) (string, error) {
	if d.disk == nil {
		return "", d.err
	}
	return of(d.disk), nil
}

// disk is the one disk that the plan's hint names among those last seen, or whatever the
// variable "disk" says, which a person answers for.
func disk(m *inventory.Machine, vars map[string]string) Disk {
	d := Disk{path: vars["disk"]}
	if m.Facts == nil || len(m.Facts.Disks) == 0 {
		d.err = fault.Conflictf("no inspection has seen the disks of %s", m.Name).WithHint("'rackwright inspect %s' first, or --var disk=/dev/disk/by-id/...", m.Name)
		return d
	}
	chosen, err := m.RootDisk.Choose(m.Facts.Disks)
	if err != nil {
		d.err = err
		return d
	}
	d.disk = &chosen
	return d
}

// byID is the link that udev makes for a disk in /dev/disk/by-id, by the rules of systemd
// (60-persistent-storage.rules): by world-wide name, else by serial.
func byID(d inventory.Disk) (string, error) {
	name := strings.TrimPrefix(d.Path, "/dev/")
	serial, model := udev(d.Serial), udev(d.Model)
	naa, isNAA := strings.CutPrefix(d.WWN, "naa.")
	switch {
	case strings.HasPrefix(name, "nvme") && d.WWN != "":
		return "/dev/disk/by-id/nvme-" + udev(d.WWN), nil
	case strings.HasPrefix(name, "nvme") && serial != "":
		return "/dev/disk/by-id/nvme-" + model + "_" + serial, nil
	case strings.HasPrefix(name, "vd") && serial != "":
		return "/dev/disk/by-id/virtio-" + serial, nil
	case isNAA && naa != "":
		return "/dev/disk/by-id/wwn-0x" + udev(naa), nil
	case serial != "" && model != "":
		return "/dev/disk/by-id/ata-" + model + "_" + serial, nil
	}
	return "", fault.Conflictf("disk %s has neither a world-wide name nor a serial", d.Path).WithHint("name it yourself: --var disk=/dev/disk/by-path/...")
}

// udev is a text as udev puts it into a link: blanks and what is odd become an underscore.
func udev(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("#+-.:=@_", r):
			return r
		}
		return '_'
	}, strings.Join(strings.Fields(s), "_"))
}
