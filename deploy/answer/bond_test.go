package answer

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"rackwright/deploy/goldentest"
	"rackwright/inventory"
)

// bonded is the example with both ports in a bond, two networks on it with their tags, both
// families, and a third port by itself below a VLAN.
func bonded() Subject {
	s := example()
	s.Networks[0].Prefix6, s.Networks[0].Gateway6 = netip.MustParsePrefix("2001:db8::/64"), netip.MustParseAddr("2001:db8::1")
	s.Networks = append(s.Networks, inventory.Network{Name: "tenant", Prefix: netip.MustParsePrefix("10.80.0.0/24"), Prefix6: netip.MustParsePrefix("2001:db8:80::/64"), VLAN: 80},
		inventory.Network{Name: "bridges", Prefix: netip.MustParsePrefix("10.81.0.0/24"), VLAN: 81})
	m := s.Machine
	m.NICs[0].Bond, m.NICs[0].Address6 = "bond0", netip.MustParseAddr("2001:db8::11")
	m.NICs[1] = inventory.NIC{Name: "nic2", MAC: m.NICs[1].MAC, Bond: "bond0"}
	m.NICs = append(m.NICs, inventory.NIC{Name: "nic3", MAC: inventory.MAC{0x52, 0x54, 0, 0x77, 0, 3}, VLANs: []inventory.Tagged{{Network: "bridges"}}})
	m.Bonds = []inventory.Bond{{Name: "bond0", Mode: inventory.LACP, LACPRate: "fast", Hash: "layer3+4", VLANs: []inventory.Tagged{
		{Network: "storage", Address: netip.MustParseAddr("10.79.0.11")},
		{Network: "tenant", Address6: netip.MustParseAddr("2001:db8:80::11")}}}}
	s.Order.Vars["repo"], s.Parts = "http://mirror.example/BaseOS", []string{"iso"}
	return s
}

// What an installer is told of bonds, VLANs and IPv6 is the golden text.
func TestBondsAndVLANsReachTheInstallers(t *testing.T) {
	d := NewData(bonded())
	for _, f := range []Form{Kickstart, Autoinstall, Preseed} {
		sheet := Sheet{Form: f}
		name := map[Form]string{Kickstart: "ks.cfg", Autoinstall: "user-data", Preseed: "late.sh"}[f]
		text, err := sheet.Answer(name, d)
		if err != nil {
			t.Fatal(err)
		}
		goldentest.Match(t, "bond."+name, text)
	}
	args, err := Sheet{Form: Kickstart}.KernelArgs(d)
	if want := " ifname=nic1:52:54:00:77:00:01 ifname=nic2:52:54:00:77:00:02 ifname=nic3:52:54:00:77:00:03 "; err != nil || !strings.Contains(args, want) {
		t.Errorf("%q, %v; a bond names its ports: want%q", args, err, want)
	}
}

// Red Hat's own parser takes the kickstart files, as each release reads them.
func TestKickstartIsTakenByPykickstart(t *testing.T) {
	program, err := exec.LookPath("ksvalidator")
	if err != nil {
		t.Skip("needs ksvalidator: pip install pykickstart (Debian has no package of it)")
	}
	for _, release := range []string{"RHEL8", "RHEL9", "RHEL10", "F42"} {
		for _, file := range []string{"ks.cfg", "bond.ks.cfg"} {
			out, err := exec.CommandContext(t.Context(), program, "-v", release, filepath.Join("testdata", file)).CombinedOutput()
			if err != nil && complains(string(out)) {
				t.Errorf("%s as %s: %v\n%s", file, release, err, out)
			}
		}
	}
}

// complains reports whether ksvalidator says more than which file it reads, and than that a
// second VLAN names the same device below: Anaconda makes each of them.
func complains(said string) bool {
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "Checking ") && !strings.HasSuffix(line, "has already been defined.") {
			return true
		}
	}
	return false
}

// schemaFile names Subiquity's published schema of what it reads (autoinstall-schema.json
// in its source).
const schemaFile = "RACKWRIGHT_AUTOINSTALL_SCHEMA"

// Ubuntu's installer publishes a schema of its answers: the golden ones keep to it.
func TestAutoinstallKeepsToSubiquitysSchema(t *testing.T) {
	file := os.Getenv(schemaFile)
	if file == "" {
		t.Skipf("%s names no autoinstall-schema.json of Subiquity's source", schemaFile)
	}
	schema, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"user-data", "bond.user-data"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		var answers struct{ Autoinstall any }
		if err := yaml.Unmarshal(text, &answers); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(answers.Autoinstall); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
