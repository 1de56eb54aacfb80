package seed_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config"

	"rackwright/agent/wire"
	"rackwright/deploy"
	"rackwright/deploy/goldentest"
	"rackwright/deploy/seed"
	"rackwright/fault"
	"rackwright/inventory"
)

func subject(o deploy.Order) seed.Subject {
	return seed.Subject{ID: "0190-op", Order: o, PhoneHome: "http://10.0.0.1:8080/phone-home/token", Reports: "http://10.0.0.1:8080/first-boot/token",
		Machine: &inventory.Machine{Name: "n1", NICs: []inventory.NIC{
			{Name: "nic1", MAC: inventory.MAC{0x52, 0x54, 0, 0, 0, 1}, Network: "provision", Address: netip.MustParseAddr("10.0.0.11"), Boot: true}}},
		Networks: []inventory.Network{{Name: "provision", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"),
			DNS: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, NTP: []netip.Addr{netip.MustParseAddr("10.0.0.3")}, Domain: "lab.example"}}}
}

const userIgnition = `{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"/etc/motd","contents":{"source":"data:,hello"}}]}}`

func TestEachFormOfTheSeedIsTheGoldenOne(t *testing.T) {
	keys := []string{"ssh-ed25519 AAAA ann", "ssh-ed25519 BBBB bob"}
	for name, o := range map[string]deploy.Order{
		"nocloud":      {SSHKeys: keys, UserData: "#cloud-config\npackages: [htop]\n"},
		"config-drive": {Seed: "config-drive", SSHKeys: keys, UserData: "#!/bin/sh\necho hello\n"},
		"coreos":       {Seed: "ignition", SSHKeys: keys, UserData: userIgnition, Image: "fedora-coreos-42"},
		"flatcar":      {Seed: "ignition", SSHKeys: keys, Image: "flatcar-4000"},
		"none":         {Seed: "none", SSHKeys: keys},
	} {
		got, err := seed.New(subject(o))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		goldentest.Match(t, name+".txt", text(got))
	}
}

func text(s wire.Seed) string {
	var b strings.Builder
	b.WriteString("label " + s.Label + "\n")
	for _, f := range s.Files {
		b.WriteString("### " + f.Name + "\n" + f.Content + "\n")
	}
	for _, f := range s.Placed {
		b.WriteString("### " + f.Label + ":" + f.Path + "\n" + f.Content + "\n")
	}
	return b.String()
}

func TestAnOrderWhoseSeedCannotBeMadeIsRefusedAtOnce(t *testing.T) {
	for what, o := range map[string]deploy.Order{
		"an unknown form":              {Seed: "kickstart"},
		"cloud-config for Ignition":    {Seed: "ignition", UserData: "#cloud-config\n{}\n"},
		"Ignition of version 2":        {Seed: "ignition", UserData: `{"ignition":{"version":"2.3.0"}}`},
		"a file in two places":         {Seed: "ignition", UserData: `{"ignition":{"version":"3.0.0"},"storage":{"files":[{"path":"relative"}]}}`},
		"another brand of Ignition":    {Seed: "ignition", Vars: map[string]string{"ignition": "gentoo"}},
		"user-data of a megabyte":      {UserData: strings.Repeat("x", 1<<20)},
		"a key that is two lines long": {SSHKeys: []string{"ssh-ed25519 AAAA\nssh-ed25519 BBBB"}},
	} {
		if err := seed.Check(o); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := seed.New(subject(o)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The user-data that grows most in JSON, in the form that wraps it most, still goes to an
// agent.
func TestTheLargestSeedFitsIntoAnOrder(t *testing.T) {
	var keys []string
	for i := range 500 {
		keys = append(keys, fmt.Sprintf("ssh-rsa %0700d", i))
	}
	for form, data := range map[string]string{"nocloud": strings.Repeat("\x01", deploy.MaxUserData), "config-drive": strings.Repeat("\x01", deploy.MaxUserData),
		"ignition": `{"ignition":{"version":"3.0.0"}}` + strings.Repeat(" ", deploy.MaxUserData-64)} {
		s, err := seed.New(subject(deploy.Order{Seed: form, UserData: data, SSHKeys: keys}))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(wire.Order{Write: &wire.WriteOrder{Seed: s}}); err != nil || len(b) > wire.MaxOrder {
			t.Errorf("%s: %d bytes, %v", form, len(b), err)
		}
	}
}

func TestTheUsersIgnitionStaysWholeAndOfItsVersion(t *testing.T) {
	for _, version := range []string{"3.0.0", "3.2.0", "3.5.0"} {
		s, err := seed.New(subject(deploy.Order{Seed: "ignition", UserData: strings.Replace(userIgnition, "3.3.0", version, 1), Vars: map[string]string{"ignition": "flatcar"}}))
		if err != nil {
			t.Fatal(err)
		}
		if _, report, err := config.Parse([]byte(s.Placed[0].Content)); err != nil || report.IsFatal() {
			t.Errorf("%s: %v %s", version, err, report)
		}
		var out struct{ Ignition struct{ Version string } }
		if err := json.Unmarshal([]byte(s.Placed[0].Content), &out); err != nil || out.Ignition.Version != version || s.Placed[0].Label != "OEM" {
			t.Errorf("%s became %q in %q, %v", version, out.Ignition.Version, s.Placed[0].Label, err)
		}
	}
}

// FuzzCheck: whatever somebody gives as user-data, what passes makes a seed.
func FuzzCheck(f *testing.F) {
	f.Add(userIgnition, "ssh-ed25519 AAAA")
	f.Add("{}", "")
	f.Fuzz(func(t *testing.T, data, key string) {
		o := deploy.Order{Seed: "ignition", UserData: data, SSHKeys: []string{key}}
		_, err := seed.New(subject(o))
		if (seed.Check(o) == nil) != (err == nil) && !fault.Is(err, fault.Internal) {
			t.Fatalf("checked %v, made %v", seed.Check(o), err)
		}
	})
}
