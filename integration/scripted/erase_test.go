package scripted

import (
	"path/filepath"
	"strings"
	"testing"

	"rackwright/deploy"
	"rackwright/inventory"
)

// A disk with somebody's data is not written until a person gives it up; erased, it has a
// certificate that anybody can verify, and the machine's gate opens.
func TestForeignDataStopsADeploymentAndAnEraseIsProven(t *testing.T) {
	s := newSite(t, 1)
	s.bay("r1-u01").holds = "LVM2 physical volume"
	s.open()
	s.image()
	s.inspect("r1-u01")
	s.one("r1-u01", "verified", in(inventory.Verified))

	op := s.wait(s.deploy("r1-u01").ID, "parked", func(o deploy.Operation) bool { return o.State == deploy.Parked })
	if op.Reason != "foreign-data" || op.Disk != "" {
		t.Errorf("%+v", op)
	}
	saying(t, op.Message, "disk DISK-SN-1001 of r1-u01", "holds LVM2 physical volume")
	saying(t, op.Hint, "rackwright operation cancel "+op.ID, "rackwright deploy r1-u01 --image small --overwrite DISK-SN-1001", "rackwright erase r1-u01 --disk DISK-SN-1001")
	s.command("operation", "cancel", op.ID)
	s.wait(op.ID, "cancelled", func(o deploy.Operation) bool { return o.State == deploy.Cancelled })

	refused(t, s.cmd("erase", "r1-u01"), 2, "--yes")
	saying(t, s.command("erase", "r1-u01", "--dry-run"), "disks erased", "powered off")
	saying(t, s.command("machine", "gates", "r1-u01"), "nobody proved its disks empty")
	s.command("erase", "r1-u01", "--yes", "--watch", "--timeout", patience.String())
	m := s.one("r1-u01", "erased", func(m inventory.Machine) bool { return !m.Erased.IsZero() && m.Power == inventory.PowerOff })
	saying(t, s.command("machine", "gates", "r1-u01"), "proven at "+m.Erased.UTC().Format("2006-01-02"))
	s.verifies("DISK-SN-1001", "nvme-sanitize-block")

	s.wait(s.deploy("r1-u01").ID, "succeeded", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	if m := s.one("r1-u01", "active", in(inventory.Active)); !m.Erased.IsZero() {
		t.Errorf("still proven empty: %s", m.Erased)
	}
	s.wait(s.deploy("r1-u01").ID, "succeeded again: what is there is ours", func(o deploy.Operation) bool { return o.State == deploy.Succeeded })
	s.command("erase", "r1-u01", "--disk", "DISK-SN-1001", "--method", "sanitize", "--yes", "--watch", "--timeout", patience.String())
	s.one("r1-u01", "no more active", func(m inventory.Machine) bool {
		return m.Image == "" && m.Phase != inventory.Active && !m.Erased.IsZero()
	})
	saying(t, strings.Join(s.moved("r1-u01"), "\n"), "active -> discovered: all its disks were erased and proven empty")
	saying(t, s.command("machine", "retire", "r1-u01", "--reason", "sold", "--disks", "erased", "--yes"), "is retired")
	if n := strings.Count(s.command("certificate", "list", "--disk", "DISK-SN-1001"), "nvme-sanitize-block"); n != 2 {
		t.Errorf("%d certificates are left", n)
	}
}

// verifies looks at the certificate of a disk as its auditor does.
func (s *site) verifies(disk, method string) {
	s.t.Helper()
	list := s.command("certificate", "list", "--disk", disk)
	saying(s.t, list, disk, method, "zeros")
	lines := strings.Split(list, "\n")
	id := strings.Fields(lines[1])[0]
	text := s.command("certificate", "show", id, "-o", "json")
	file := write(s.t, filepath.Join(s.dir, "disk.json"), text)
	key := write(s.t, filepath.Join(s.dir, "key.pub"), s.command("certificate", "key"))
	offline := s.cmd("verify-certificate", file, "--key", key, "--server", "http://127.0.0.1:1")
	out, err := offline.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	saying(s.t, string(out), "The certificate is right", disk, method, "Asked by     admin")
	changed := write(s.t, filepath.Join(s.dir, "changed.json"), strings.ReplaceAll(text, disk, "DISK-OTHER"))
	refused(s.t, s.cmd("verify-certificate", changed, "--key", key), 5, "it was changed")
}
