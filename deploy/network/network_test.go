package network_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"rackwright/deploy/goldentest"
	"rackwright/deploy/network"
	"rackwright/inventory"
)

func addr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}

func mac(i int) inventory.MAC { return inventory.MAC{0x52, 0x54, 0, 0x77, 0, byte(i)} }

// networks are one to netboot from, with both families, one with a tag and both, and two
// more with tags.
func networks() []inventory.Network {
	return []inventory.Network{
		{Name: "provision", Prefix: netip.MustParsePrefix("10.0.0.0/24"), Gateway: addr("10.0.0.1"), Prefix6: netip.MustParsePrefix("2001:db8::/64"), Gateway6: addr("fe80::1"),
			DNS: []netip.Addr{addr("10.0.0.2"), addr("2001:db8::53")}, NTP: []netip.Addr{addr("10.0.0.3")}, Domain: "lab.example", MTU: 1500, VLAN: 20},
		{Name: "tenant", Prefix: netip.MustParsePrefix("10.8.0.0/22"), Gateway: addr("10.8.0.1"), Prefix6: netip.MustParsePrefix("2001:db8:8::/64"), MTU: 9000, VLAN: 30},
		{Name: "bridges", Prefix: netip.MustParsePrefix("10.9.0.0/24"), VLAN: 31},
		{Name: "storage", Prefix: netip.MustParsePrefix("10.10.0.0/24"), VLAN: 40, MTU: 9000},
	}
}

// machines are the cases that the golden files show.
func machines() map[string]*inventory.Machine {
	return map[string]*inventory.Machine{
		"plain": {Name: "n1", NICs: []inventory.NIC{
			{Name: "nic1", MAC: mac(1), Network: "provision", Address: addr("10.0.0.11"), Boot: true}, {Name: "nic2", MAC: mac(2), Network: "tenant"},
			{Name: "nic3", MAC: mac(3)}, {Name: "nic4", Network: "storage", Address: addr("10.10.0.11")}}},
		"bond": {Name: "n2", NICs: []inventory.NIC{
			{Name: "nic1", MAC: mac(1), Network: "provision", Address: addr("10.0.0.12"), Address6: addr("2001:db8::12"), Boot: true, Bond: "bond0"},
			{Name: "Slot 2 Port 1", MAC: mac(2), Network: "provision", Bond: "bond0"},
			{Name: "nic3", MAC: mac(3), VLANs: []inventory.Tagged{{Network: "storage", Address: addr("10.10.0.12")}}}},
			Bonds: []inventory.Bond{{Name: "bond0", Mode: inventory.LACP, LACPRate: "fast", Hash: "layer3+4", MIIMon: 50,
				VLANs: []inventory.Tagged{{Network: "tenant", Address: addr("10.8.0.12"), Address6: addr("2001:db8:8::12")}, {Network: "bridges"}}}}},
		"passive": {Name: "n3", NICs: []inventory.NIC{
			{Name: "nic1", MAC: mac(1), Bond: "bond1"}, {Name: "nic2", MAC: mac(2), Bond: "bond1"}},
			Bonds: []inventory.Bond{{Name: "bond1", Mode: inventory.ActiveBackup, MIIMon: 100, MTU: 9000, Primary: "nic2", Network: "tenant", Address6: addr("2001:db8:8::13")}}},
		"undeclared": {Name: "n4", NICs: []inventory.NIC{
			{Name: "nic1", MAC: mac(1), Network: "provision", Address: addr("10.0.0.14"), Boot: true, Bond: "uplink"}, {Name: "nic2", MAC: mac(2), Bond: "uplink"}}},
	}
}

func TestEachFormOfTheNetworkIsTheGoldenOne(t *testing.T) {
	for name, m := range machines() {
		links := network.Links(m, networks())
		stack, err := json.MarshalIndent(network.OpenStack(links), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		goldentest.Match(t, name+".netplan.json", network.NetplanText(links))
		goldentest.Match(t, name+".network_data.json", string(stack)+"\n")
		goldentest.Match(t, name+".networkd.txt", joined(network.Networkd(links)))
		goldentest.Match(t, name+".keyfiles.txt", joined(network.Keyfiles(links)))
	}
}

func joined(files []network.File) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString("### " + f.Name + "\n" + f.Content + "\n")
	}
	return b.String()
}

func TestAPortWithoutAMACIsNamed(t *testing.T) {
	if got := network.Untold(machines()["plain"]); !slices.Equal(got, []string{"nic4"}) {
		t.Errorf("got %v", got)
	}
	if got := network.Untold(machines()["bond"]); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestThereIsOneDefaultRouteOfEachFamily(t *testing.T) {
	links := network.Links(machines()["bond"], networks())
	var via []string
	for _, l := range links {
		for _, r := range l.Routes {
			via = append(via, l.Name+" "+r.Via.String())
		}
	}
	if !slices.Equal(via, []string{"bond0 10.0.0.1", "bond0 fe80::1"}) {
		t.Errorf("got %v", via)
	}
	if d := network.Domain(links); d != "lab.example" {
		t.Errorf("domain %q", d)
	}
}

// Whatever a plan calls its ports, the names of interfaces are ones that Linux takes, and
// every name that something refers to is there.
func TestNamesOfInterfacesHold(t *testing.T) {
	names := rapid.SampledFrom([]string{"nic1", "nic2", "eth0", "lo", "Slot 1/Port 2", "a-very-long-name-of-a-port", "", "..", "bond0", "bond0.30", "vlan30", "ünïcode"})
	nets := rapid.SampledFrom([]string{"", "provision", "tenant", "bridges", "storage", "moon"})
	bonds := rapid.SampledFrom([]string{"", "", "bond0", "a-very-long-bond-name-of-a-machine"})
	tagged := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) inventory.Tagged { return inventory.Tagged{Network: nets.Draw(t, "tagged")} }), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		m := &inventory.Machine{Name: "n"}
		for i := range rapid.IntRange(0, 5).Draw(t, "nics") {
			m.NICs = append(m.NICs, inventory.NIC{Name: names.Draw(t, "name"), MAC: mac(rapid.IntRange(0, 1).Draw(t, "known") * (i + 1)), Network: nets.Draw(t, "network"),
				Bond: bonds.Draw(t, "bond"), VLANs: tagged.Draw(t, "vlans")})
		}
		if rapid.Bool().Draw(t, "declared") {
			m.Bonds = []inventory.Bond{{Name: "bond0", Primary: names.Draw(t, "primary"), Network: nets.Draw(t, "bond network"), VLANs: tagged.Draw(t, "bond vlans")}}
		}
		links, seen := network.Links(m, networks()), map[string]bool{}
		for _, l := range links {
			if l.Name == "" || len(l.Name) > 15 || strings.ContainsAny(l.Name, "/ :") || seen[l.Name] || l.MAC.IsZero() {
				t.Fatalf("link %+v of %+v", l, links)
			}
			seen[l.Name] = true
		}
		for _, l := range links {
			for _, to := range append([]string{l.In, l.Over, l.Primary}, l.Members...) {
				if to != "" && !seen[to] {
					t.Fatalf("%s refers to %q, which is not there", l.Name, to)
				}
			}
		}
		var plan map[string]any
		if err := yaml.Unmarshal([]byte(network.NetplanText(links)), &plan); err != nil {
			t.Fatal(err)
		}
	})
}
