package plan_test

import (
	"encoding/json"
	"testing"

	"go.yaml.in/yaml/v3"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

func cable(to string) *inventory.Cable {
	c := &inventory.Cable{}
	_ = c.To.UnmarshalText([]byte(to))
	return c
}

// full is a plan with everything in it, in canonical order: a rack of two machines, a
// chassis with two nodes, two leaf switches and two PDUs.
func full() plan.Plan {
	server := inventory.Build{Vendor: "Example", Product: "X200", Height: 2, FullDepth: true, DepthMM: 800, WeightKG: 25, Watts: 500, Airflow: "front-to-rear",
		PSUs:     []inventory.PSU{{Name: "psu1", Connector: inventory.C14, Watts: 800}, {Name: "psu2", Connector: inventory.C14, Watts: 800}},
		Parts:    inventory.Parts{CPUs: []inventory.CPU{{Socket: "CPU1", Cores: 16}}, DIMMs: []inventory.DIMM{{Slot: "A1", SizeMiB: 32768}}, Disks: []inventory.Disk{{Bay: "0", Bytes: 4e11, Type: "ssd"}}, NICs: 2},
		Firmware: []inventory.Version{{Component: "bios", Version: "2.1"}}, Netboot: inventory.NetbootHTTP, BIOS: map[string]string{"BootMode": "Uefi"}}
	leaf := func(name string, u int, pdu string) plan.Device {
		return plan.Device{Name: name, U: u, Model: "leaf48", LLDP: name + ".example", RemoteID: "0x00" + name[5:],
			Ports: []inventory.Port{{Name: "Ethernet1-48", Circuit: name + "|{port}"}, {Name: "Ethernet49", Cable: cable("spine:1")}},
			PSUs:  []inventory.PSU{{Name: "psu1", Cable: cable(pdu + ":8")}}}
	}
	machine := func(name string, u int, outlet, port string, mac inventory.MAC) plan.Machine {
		return plan.Machine{Name: name, U: u, Model: "x200", Serial: "SN-" + name, Project: "web", AssetTag: "AT-" + name, Batch: "2026-1",
			Labels: map[string]string{"role": "db", "zone": "a"}, Tags: []string{"gpu", "old"},
			Waive: []inventory.Waiver{{Rule: "bond-on-one-leaf", On: "bond0", Reason: "one leaf has no ports left"}},
			NICs: []plan.NIC{
				{MAC: mac.String(), Connector: inventory.SFP, Network: "provision", Address: "10.0.0.1" + port, Address6: "2001:db8::1" + port, Bond: "bond0", Boot: true, Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-1", Port: "Ethernet" + port}, Type: "dac", LengthM: 2.5, Label: "C" + port}},
				{Name: "eth1", Connector: inventory.SFP, Bond: "bond0", Cable: &inventory.Cable{To: inventory.End{Owner: "leaf-2", Port: "Ethernet" + port}, Type: "aoc"}}},
			Bonds: []plan.Bond{{Name: "bond0", Mode: inventory.LACP, LACPRate: "fast", Hash: "layer3+4", MIIMon: 50, MTU: 9000,
				VLANs: []plan.Tagged{{Network: "tenant", Address: "10.8.0.1" + port, Address6: "2001:db8:8::1" + port}}}},
			PSUs:     []inventory.PSU{{Name: "psu1", Cable: cable("pdu-a:" + outlet)}, {Name: "psu2", Cable: cable("pdu-b:" + outlet)}, {Name: "psu3", Connector: inventory.C20}},
			RootDisk: &plan.Disk{Type: "ssd", MinBytes: 1}, Netboot: inventory.NetbootPXE}
	}
	return plan.Plan{Site: "lab",
		Projects: []plan.Project{{Name: "web", Labels: map[string]string{"owner": "Anna"}}},
		Models: []plan.Model{
			{Name: "blade", Build: inventory.Build{WeightKG: 5, Watts: 300}},
			{Name: "box", Build: inventory.Build{Kind: inventory.KindChassis, Height: 2, Bays: []string{"1", "2"}, PSUs: []inventory.PSU{{Name: "psu1", Connector: inventory.C20}}}},
			{Name: "leaf48", Build: inventory.Build{Kind: inventory.KindSwitch, PSUs: []inventory.PSU{{Name: "psu1", Connector: inventory.C14}}, Ports: []inventory.Port{{Name: "Ethernet1-48", Connector: inventory.SFP}, {Name: "Ethernet49-54", Connector: inventory.QSFP}}}},
			{Name: "strip", Build: inventory.Build{Kind: inventory.KindPDU, Ports: []inventory.Port{{Name: "1-8", Connector: inventory.C13}, {Name: "9-12", Connector: inventory.C19}}}},
			{Name: "x200", Build: server},
		},
		Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/24", VLAN: 20, Gateway: "10.0.0.1", CIDR6: "2001:db8::/64", Gateway6: "fe80::1", DNS: []string{"10.0.0.2"}, NTP: []string{"10.0.0.3"}, Domain: "lab.example", MTU: 9000,
			DHCP: inventory.DHCPReservations, Strangers: inventory.StrangerDiscover, Pool: &plan.Pool{First: "10.0.0.200", Last: "10.0.0.210"}, LeaseSeconds: 600, RouterAdverts: true, DHCP6: inventory.DHCP6Stateless, SLAAC: true},
			{Name: "storage", CIDR: "10.0.0.0/24", RoutingDomain: "san", Purpose: "production"},
			{Name: "tenant", CIDR: "10.8.0.0/24", VLAN: 30, CIDR6: "2001:db8:8::/64", Purpose: "production"}},
		Racks: []plan.Rack{{Name: "r1", Room: "A", Row: "3", Units: 47, Numbering: inventory.NumberedDown, DepthMM: 1000, WeightLimitKG: 900,
			Feeds:    []inventory.Feed{{Name: "A", Volts: 230, Amps: 16}, {Name: "B", Volts: 400, Amps: 16, Phases: 3}},
			Reserved: []inventory.Reservation{{U: 40, Height: 3, Reason: "storage comes in May", Project: "web"}, {U: 44, Face: inventory.Rear, Reason: "cable manager"}},
			Labels:   map[string]string{"failure-domain": "a"}, Tags: []string{"cage"}, Waive: []inventory.Waiver{{Rule: "single-psu-cabled", Reason: "the chassis has one"}},
			Devices: []plan.Device{
				{Name: "pdu-a", Model: "strip", Feed: "A"},
				{Name: "pdu-b", Model: "strip", Feed: "B", Serial: "P2", AssetTag: "AT-B"},
				{Name: "box-1", U: 10, Model: "box", PSUs: []inventory.PSU{{Name: "psu1", Cable: cable("pdu-b:9")}}},
				leaf("leaf-1", 45, "pdu-a"),
				leaf("leaf-2", 46, "pdu-b"),
				{Name: "spine", U: 47, Face: inventory.Rear, Kind: inventory.KindSwitch, Ports: []inventory.Port{{Name: "1", Connector: inventory.QSFP}, {Name: "2-4"}}},
			},
			Machines: []plan.Machine{
				machine("n1", 1, "1", "1", one), machine("n2", 3, "2", "2", two),
				{Name: "n3", Chassis: "box-1", Bay: "1", Firmware: inventory.BIOS, Model: "blade", Vendor: "Example", UUID: "4c4c4544-0042-4310-8052-b4c04f303101",
					BMC: &plan.BMC{Address: "https://10.0.0.21", Username: "admin", CertificateSHA256: "9b74c9897bac770ffc029102a200c5de7c06a9a56d9e2b5b1c1d2f3a4b5c6d7e", MAC: three.String()}},
				{Name: "n4", Chassis: "box-1", Bay: "2", Arch: "arm64", Model: "blade"},
				{Name: "n5", U: 30, Height: 2, Face: inventory.Both, Side: inventory.LeftHalf, Model: "something else"},
				{Name: "n6", U: 30, Height: 2, Face: inventory.Both, Side: inventory.RightHalf},
			}}}}
}

// fullPlan is full with each uplink in a port of its own.
func fullPlan() plan.Plan {
	p := full()
	p.Racks[0].Devices[4].Ports[1].Cable = cable("spine:2")
	p.Racks[0].Devices[4].Ports[1].Cable.Type = "dac" // the far connector is not known
	p.Racks[0].Devices[3].Ports[1].Cable.Type = "dac"
	return p
}

func asYAML(t *testing.T, p plan.Plan) string {
	t.Helper()
	text, err := yaml.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAPlanThatWasAppliedIsExportedAsItWasWritten(t *testing.T) {
	p := fullPlan()
	before := asYAML(t, p)
	_, d, err := against(t, p, inventory.Inventory{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Warnings) > 0 {
		t.Errorf("warned of %+v", d.Warnings)
	}
	have := applied(t, p)
	if got := asYAML(t, plan.Of(&have)); got != before {
		t.Errorf("exported\n%s\nwas\n%s", got, before)
	}
	if asYAML(t, p) != before {
		t.Error("resolving a plan changes it")
	}
	_, d, err = against(t, plan.Of(&have), have)
	if err != nil || len(d.Changes) != 0 {
		t.Errorf("applied again it changes %+v, %v", d, err)
	}
}

func TestAnExportedPlanIsReadBackFromYAMLAndJSON(t *testing.T) {
	var fromYAML, fromJSON plan.Plan
	if err := yaml.Unmarshal([]byte(asYAML(t, fullPlan())), &fromYAML); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(fullPlan())
	if err := json.Unmarshal(text, &fromJSON); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]plan.Plan{"YAML": fromYAML, "JSON": fromJSON} {
		have := applied(t, p)
		if got, want := asYAML(t, plan.Of(&have)), asYAML(t, fullPlan()); got != want {
			t.Errorf("%s: exported\n%s\nwas\n%s", name, got, want)
		}
	}
}

func TestAnExportOfARackHoldsWhatTheRackUses(t *testing.T) {
	p := fullPlan()
	p.Racks = append(p.Racks, plan.Rack{Name: "r2", Machines: []plan.Machine{{Name: "z1", U: 1, Model: "blade"}}})
	have := applied(t, p)
	part, err := have.Only("", []string{"r2"})
	if err != nil {
		t.Fatal(err)
	}
	got := plan.Of(part)
	if got.Site != "lab" || len(got.Racks) != 1 || len(got.Racks[0].Machines) != 1 || len(got.Models) != 1 || got.Models[0].Name != "blade" || len(got.Networks) != 0 {
		t.Errorf("got %+v", got)
	}
	if _, d, err := against(t, got, have); err != nil || len(d.Changes) != 0 {
		t.Errorf("it changes %+v, %v", d, err)
	}
	have.Sites = append(have.Sites, inventory.Site{Name: "other"})
	for racks, kind := range map[string]fault.Kind{"": fault.Invalid, "r9": fault.NotFound} {
		var list []string
		if racks != "" {
			list = []string{racks}
		}
		if _, err := have.Only("", list); !fault.Is(err, kind) || fault.HintOf(err) == "" {
			t.Errorf("%q: %v", racks, err)
		}
	}
}
