package inventory

import (
	"testing"
	"time"
)

func TestABMCThatNeverAnsweredOpensNoGateEvenWhenItsCertificateIsPlanned(t *testing.T) {
	since := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	pin := "9b74c9897bac770ffc029102a200c5de7c06a9a56d9e2b5b1c1d2f3a4b5c6d7e"
	for name, c := range map[string]struct {
		bmc   *BMC
		power Power
		met   bool
	}{
		"none is planned":                 {nil, PowerUnknown, true},
		"pinned and never answered":       {&BMC{Address: "https://10.1.0.10", CertificateSHA256: pin, Claimed: since}, PowerUnknown, false},
		"without TLS and never answered":  {&BMC{Address: "http://10.1.0.10", Claimed: since}, PowerUnknown, false},
		"claimed, its certificate pinned": {&BMC{Address: "https://10.1.0.10", CertificateSHA256: pin, Claimed: since}, PowerOff, true},
		"answered, not claimed":           {&BMC{Address: "https://10.1.0.10", CertificateSHA256: pin}, PowerOff, false},
		"claimed, nothing pinned":         {&BMC{Address: "https://10.1.0.10", Claimed: since}, PowerOn, false},
	} {
		m := &Machine{Name: "r1-u10", Phase: Verified, BMC: c.bmc, Power: c.power}
		for _, g := range Gates(m, nil) {
			for _, check := range g.Checks {
				if check.Name == CheckBMC && check.Met != c.met {
					t.Errorf("%s: met %v, %q", name, check.Met, check.Evidence)
				}
			}
		}
	}
}
