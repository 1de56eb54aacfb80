package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rackwright/api/apitest"
	"rackwright/inventory"
)

// versionIs makes a machine's firmware be seen: "version MACHINE COMPONENT=VERSION...".
func versionIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: version MACHINE COMPONENT=VERSION...")
	}
	ts.Value(storeKey{}).(*apitest.Store).Change(args[0], func(m *inventory.Machine) {
		m.Facts = &inventory.Facts{Source: "redfish", Observed: m.CreatedAt}
		for _, text := range args[1:] {
			component, version, _ := strings.Cut(text, "=")
			m.Facts.Versions = append(m.Facts.Versions, inventory.Version{Component: component, Version: version})
		}
	})
}

func TestABMCIsToldTheAddressThatItReachesUsBy(t *testing.T) {
	s := shelf{port: 8443}
	if got := s.URL("https://127.0.0.9:4443", "secret", "BIOS.bin"); got != "https://127.0.0.1:8443/bmc/firmware/secret/BIOS.bin" {
		t.Errorf("by the route: %s", got)
	}
	for _, bad := range []string{"", "https://", "::::"} {
		if got := s.URL(bad, "secret", "BIOS.bin"); strings.Contains(got, "0.0.0.0") {
			t.Errorf("%q: %s", bad, got)
		}
	}
	if got := (shelf{}).URL("https://127.0.0.9", "secret", "BIOS.bin"); got != "" {
		t.Errorf("with no server: %s", got)
	}
}
