package redfish

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rackwright/racksim"
)

// TestSushyDrivesAMachine runs OpenStack's Redfish library against the BMC.
func TestSushyDrivesAMachine(t *testing.T) {
	python := sushyPython(t)
	for _, firmware := range []string{racksim.BIOS, racksim.UEFI} {
		b := newBench(t, firmware)
		anchor := filepath.Join(t.TempDir(), "bmc.crt")
		if err := os.WriteFile(anchor, b.anchor, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, "testdata/sushy_client.py", b.url, firmware)
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "BMC_PASSWORD="+testPassword, "REQUESTS_CA_BUNDLE="+anchor)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", firmware, err, out)
		}
	}
}

// sushyPython finds an interpreter that has sushy: the distribution's first.
func sushyPython(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import sushy").Run() == nil {
			return python
		}
	}
	t.Skip("needs sushy: apt-get install python3-sushy")
	return ""
}
