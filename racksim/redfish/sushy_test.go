package redfish

import (
	"net/http"
	"net/http/httptest"
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
		good := image(t, "bios", "2.1")
		files := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" {
				_, _ = w.Write(good[:100])
				return
			}
			_, _ = w.Write(good)
		}))
		t.Cleanup(files.Close)
		anchor := filepath.Join(t.TempDir(), "bmc.crt")
		if err := os.WriteFile(anchor, b.anchor, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, "testdata/sushy_client.py", b.url, firmware, files.URL+"/bios.bin", files.URL+"/x.iso")
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
