package scripted

import (
	"strings"
	"testing"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/deploy/seed"
	"rackwright/inventory"
)

func TestASystemReadsEveryFormOfItsSeed(t *testing.T) {
	for _, form := range []seed.Form{seed.NoCloud, seed.ConfigDrive, seed.Ignition} {
		s, err := seed.New(seed.Subject{ID: "op-1", Order: deploy.Order{Seed: string(form)}, Machine: &inventory.Machine{Name: "n1"},
			PhoneHome: "http://server/phone-home/a%b", Reports: "http://server/first-boot/c"})
		if err != nil {
			t.Fatal(err)
		}
		got := newSystem(s)
		if got.err != nil || got.instance != "op-1" || got.hostname != "n1" || got.phone == nil || got.phone.URL != "http://server/phone-home/a%b" ||
			(got.reports == "http://server/first-boot/c") != (form != seed.Ignition) {
			t.Errorf("%s: %+v, phone %+v", form, got, got.phone)
		}
	}
	if got := newSystem(wire.Seed{}); got.phone != nil || got.err != nil {
		t.Errorf("without a seed: %+v", got)
	}
}

// FuzzSeed: whatever stands in a seed, reading it ends.
func FuzzSeed(f *testing.F) {
	f.Add("CIDATA", "meta-data", "instance-id: x\n")
	f.Add("config-2", "openstack/latest/meta_data.json", `{"uuid": "x"}`)
	f.Add("", "config.ign", `{"systemd": {"units": [{"contents": "\"http://x\""}]}}`)
	f.Fuzz(func(t *testing.T, label, name, content string) {
		s := wire.Seed{Label: label, Files: []wire.SeedFile{{Name: name, Content: content}}}
		if strings.HasSuffix(name, ".ign") {
			s.Placed = []wire.PlacedFile{{Label: "boot", Path: name, Content: content}}
		}
		_ = newSystem(s)
	})
}
