package overlay_test

import (
	"reflect"
	"strings"
	"testing"

	"rackwright/inventory"
	"rackwright/inventory/overlay"
	"rackwright/inventory/plan"
)

func have() plan.Plan {
	return plan.Plan{Site: "dc1",
		Projects: []plan.Project{{Name: "web"}, {Name: "unused"}},
		Models:   []plan.Model{{Name: "r660", Build: inventory.Build{Height: 1, Watts: 800}}, {Name: "unused"}},
		Networks: []plan.Network{{Name: "prov", CIDR: "10.0.0.0/24", Gateway: "10.0.0.1"}, {Name: "unused", CIDR: "10.9.0.0/24"}},
		Racks: []plan.Rack{
			{Name: "r1", Units: 20, Labels: map[string]string{"zone": "a"}, Machines: []plan.Machine{
				{Name: "stays", U: 1},
				{Name: "known", U: 2, Model: "r660", Project: "web", Tags: []string{"old"}, BMC: &plan.BMC{Address: "https://10.1.0.2", Username: "root"},
					NICs: []plan.NIC{{MAC: "52:54:00:00:00:01", Network: "prov", Address: "10.0.0.2"}, {MAC: "52:54:00:00:00:02", Boot: true}}}},
				Devices: []plan.Device{{Name: "leaf", U: 20, Ports: []inventory.Port{{Name: "Ethernet1-48", Connector: inventory.SFP, Circuit: "sw:{port}"}}}}},
			{Name: "r2", Machines: []plan.Machine{{Name: "moves", Chassis: "c1", Bay: "3", Serial: "S1"}}},
		}}
}

func TestWhatAnImportDoesNotSayStays(t *testing.T) {
	before := have()
	got := overlay.Over(before, plan.Plan{Site: "dc1", Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{
		{Name: "known", U: 3, Tags: []string{"new"}, BMC: &plan.BMC{Address: "https://10.1.0.3"}},
		{Name: "moves", U: 9},
		{Name: "fresh", U: 10, Model: "r660"}}}}})
	if len(got.Racks) != 1 || got.Racks[0].Units != 20 || got.Racks[0].Labels["zone"] != "a" {
		t.Fatalf("the rack lost something: %+v", got.Racks)
	}
	ms := got.Racks[0].Machines
	if names := []string{ms[0].Name, ms[1].Name, ms[2].Name, ms[3].Name}; !reflect.DeepEqual(names, []string{"stays", "known", "moves", "fresh"}) {
		t.Errorf("machines are %v", names)
	}
	if k := ms[1]; k.U != 3 || k.Model != "r660" || k.BMC.Address != "https://10.1.0.3" || k.BMC.Username != "root" || len(k.NICs) != 2 || len(k.Tags) != 2 {
		t.Errorf("known became %+v", k)
	}
	if m := ms[2]; m.U != 9 || m.Chassis != "" || m.Serial != "S1" {
		t.Errorf("moves became %+v", m)
	}
	if len(got.Models) != 1 || len(got.Projects) != 1 || len(got.Networks) != 1 || got.Networks[0].Gateway != "10.0.0.1" {
		t.Errorf("nouns are %+v %+v %+v", got.Models, got.Projects, got.Networks)
	}
	if !reflect.DeepEqual(before, have()) {
		t.Error("the inventory's own plan was written to")
	}
}

func TestThePortWithTheSameMACIsTheSamePort(t *testing.T) {
	got := overlay.Over(have(), plan.Plan{Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{
		{Name: "known", U: 2, NICs: []plan.NIC{{Name: "eno2", MAC: "52-54-00-00-00-02"}, {Name: "nic9"}}}}}}})
	nics := got.Racks[0].Machines[1].NICs
	if len(nics) != 3 || nics[0].Name != "eno2" || !nics[0].Boot || nics[1].Name != "nic9" || nics[2].Name != "nic1" || nics[2].Address != "10.0.0.2" {
		t.Errorf("ports are %+v", nics)
	}
}

func TestAPortOfARangeKeepsItsCircuit(t *testing.T) {
	got := overlay.Over(have(), plan.Plan{Racks: []plan.Rack{{Name: "r1", Devices: []plan.Device{
		{Name: "leaf", Ports: []inventory.Port{{Name: "Ethernet7", Connector: inventory.QSFP}, {Name: "mgmt0"}}}}}}})
	want := []inventory.Port{{Name: "Ethernet7", Connector: inventory.QSFP, Circuit: "sw:{port}"}, {Name: "mgmt0"}}
	if d := got.Racks[0].Devices[0]; d.U != 20 || !reflect.DeepEqual(d.Ports, want) {
		t.Errorf("leaf became %+v", d)
	}
}

func TestNamesOfOthersBecomeOurs(t *testing.T) {
	for given, want := range map[string]string{"R 12": "r-12", "dc1_row-A/07": "dc1-row-a-07", "  web01  ": "web01", "Zürich": "z-rich", "---": "", "東京": "",
		strings.Repeat("ab-", 30): strings.TrimRight(strings.Repeat("ab-", 21), "-")} {
		if got := overlay.Name(given); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

func TestTwoNamesThatBecomeOneAreSaid(t *testing.T) {
	var n overlay.Names
	if _, wrong := n.Of("rack", "R 1"); wrong != "" {
		t.Error(wrong)
	}
	if name, wrong := n.Of("rack", "R 1"); name != "r-1" || wrong != "" {
		t.Error("the same name again is refused:", wrong)
	}
	if _, wrong := n.Of("rack", "r_1"); !strings.Contains(wrong, `"R 1" and "r_1" would both be called r-1`) {
		t.Errorf("said %q", wrong)
	}
	if _, wrong := n.Of("machine", "r_1"); wrong != "" {
		t.Error(wrong)
	}
	if _, wrong := n.Of("rack", "??"); wrong == "" {
		t.Error("a name of nothing passed")
	}
}
