package plan_test

import (
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// applied is the inventory after a plan was applied to an empty one.
func applied(t *testing.T, p plan.Plan) inventory.Inventory {
	t.Helper()
	w, _, err := against(t, p, inventory.Inventory{})
	if err != nil {
		t.Fatal(err)
	}
	return stored(w)
}

// stored is the inventory that holds what a plan wants.
func stored(w *plan.Wanted) inventory.Inventory {
	for i := range w.Machines {
		w.Machines[i].ID, w.Machines[i].Version = "id-"+w.Machines[i].Name, 3
	}
	return inventory.Inventory{Sites: []inventory.Site{{Name: w.Site}}, Projects: w.Projects, Models: w.Models, Networks: w.Networks, Racks: w.Racks,
		Devices: w.Devices, Machines: w.Machines}
}

func against(t *testing.T, p plan.Plan, have inventory.Inventory) (*plan.Wanted, *plan.Diff, error) {
	t.Helper()
	w, err := p.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Against(have)
	return w, d, err
}

func TestAnEmptyInventoryGetsEverythingAndAFullOneNothing(t *testing.T) {
	_, d, err := against(t, good(), inventory.Inventory{})
	if err != nil || len(d.Changes) != 5 || d.Changes[0].Noun != "site" || d.Changes[4].Name != "n2" || d.Changes[4].Action != "create" {
		t.Fatalf("got %+v, %v", d, err)
	}
	_, same, err := against(t, good(), applied(t, good()))
	if err != nil || len(same.Changes) != 0 || same.Hash == d.Hash || same.Changes == nil {
		t.Errorf("got %+v, %v", same, err)
	}
}

func TestAChangeNamesItsFieldsAndWhatItCauses(t *testing.T) {
	have := applied(t, good())
	have.Machines[0].Phase = inventory.Discovered
	p := good()
	m := &p.Racks[0].Machines[0]
	m.U, m.NICs[0].Address, m.Model = 9, "10.0.0.31", "A1"
	p.Networks[0].Gateway = ""
	w, d, err := against(t, p, have)
	if err != nil || len(d.Changes) != 2 {
		t.Fatalf("got %+v, %v", d, err)
	}
	got := map[string]string{}
	for _, c := range d.Changes {
		for _, f := range c.Fields {
			got[c.Name+" "+f.Field] = f.Old + " -> " + f.New
		}
	}
	for field, want := range map[string]string{"n1 slot": "r1 u1 height 1 front -> r1 u9 height 1 front", "n1 model": " -> A1", "provision gateway": "10.0.0.1 -> "} {
		if got[field] != want {
			t.Errorf("%s is %q, want %q (of %v)", field, got[field], want, got)
		}
	}
	if effects := strings.Join(d.Changes[1].Effects, " "); !strings.Contains(effects, "renumbers n1 from 10.0.0.11 to 10.0.0.31") {
		t.Errorf("effects are %q", effects)
	}
	if got := w.Machines[0]; got.ID != "id-n1" || got.Version != 3 || got.Phase != inventory.Discovered {
		t.Errorf("identity and state were not carried over: %+v", got)
	}
}

func TestThePinnedCertificateStaysAsLongAsTheBMCDoes(t *testing.T) {
	have := applied(t, good())
	have.Machines[0].BMC.CertificateSHA256 = "pinned"
	w, d, err := against(t, good(), have)
	if err != nil || len(d.Changes) != 0 || w.Machines[0].BMC.CertificateSHA256 != "pinned" {
		t.Errorf("got %+v, %v", d, err)
	}
	p := good()
	p.Racks[0].Machines[0].BMC.Address = "https://10.0.0.99"
	if w, _, err = against(t, p, have); err != nil || w.Machines[0].BMC.CertificateSHA256 != "" {
		t.Errorf("another BMC kept the certificate: %v", err)
	}
}

func TestAPasswordIsAChangeOnlyWhenItIsNew(t *testing.T) {
	for name, c := range map[string]struct {
		known func(id, password string) bool
		want  int
	}{
		"nothing known": {nil, 0},
		"the same":      {func(id, password string) bool { return id == "id-n1" && password == "secret" }, 0},
		"another":       {func(string, string) bool { return false }, 1},
	} {
		have := applied(t, good())
		have.HasPassword = c.known
		_, d, err := against(t, good(), have)
		if err != nil || len(d.Changes) != c.want {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		for _, change := range d.Changes {
			for _, f := range change.Fields {
				if strings.Contains(f.Old+f.New, "secret") {
					t.Errorf("%s: the password is shown", name)
				}
			}
		}
	}
}

func TestWhatAMachineOutsideThePlanHoldsIsNamed(t *testing.T) {
	have := applied(t, good())
	have.Machines[0].Serial, have.Machines[0].BMC.MAC = "SN-1", three
	lone := func(change func(m *plan.Machine)) plan.Plan {
		m := plan.Machine{Name: "new", U: 40}
		change(&m)
		return plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{m}}}}
	}
	for says, p := range map[string]plan.Plan{
		"slot r1/u1 front belongs to n1": lone(func(m *plan.Machine) { m.U = 1 }),
		"mac 02:00:00:00:00:01 belongs":  lone(func(m *plan.Machine) { m.NICs = []plan.NIC{{MAC: one.String()}} }),
		"mac 02:00:00:00:00:03 belongs":  lone(func(m *plan.Machine) { m.NICs = []plan.NIC{{MAC: three.String()}} }),
		"address 10.0.0.11 belongs to n1": lone(func(m *plan.Machine) {
			m.NICs = []plan.NIC{{MAC: "020000000009", Network: "provision", Address: "10.0.0.11"}}
		}),
		"bmc https://10.0.0.21 belongs": lone(func(m *plan.Machine) { m.BMC = &plan.BMC{Address: "https://10.0.0.21"} }),
		"serial /sn-1 belongs to n1":    lone(func(m *plan.Machine) { m.Serial = "sn-1" }),
		"there is no network \"nowhere\"": lone(func(m *plan.Machine) {
			m.NICs = []plan.NIC{{MAC: "020000000009", Network: "nowhere"}}
		}),
		"10.9.9.9 is outside network": lone(func(m *plan.Machine) {
			m.NICs = []plan.NIC{{MAC: "020000000009", Network: "provision", Address: "10.9.9.9"}}
		}),
		"10.0.0.1 is the gateway": lone(func(m *plan.Machine) {
			m.NICs = []plan.NIC{{MAC: "020000000009", Network: "provision", Address: "10.0.0.1"}}
		}),
		"10.0.0.255 is the network or broad": lone(func(m *plan.Machine) {
			m.NICs = []plan.NIC{{MAC: "020000000009", Network: "provision", Address: "10.0.0.255"}}
		}),
		"overlaps provision (10.0.0.0/24)":  {Site: "lab", Networks: []plan.Network{{Name: "b", CIDR: "10.0.0.0/25"}}},
		"n2 stands in unit 2":               {Site: "lab", Racks: []plan.Rack{{Name: "r1", Units: 1}}},
		"n1 has address 10.0.0.11, outside": {Site: "lab", Networks: []plan.Network{{Name: "provision", CIDR: "10.7.0.0/24"}}},
		"stands in site lab":                {Site: "other", Racks: []plan.Rack{{Name: "r1"}}},
	} {
		_, d, err := against(t, p, have)
		if d != nil || !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), says) || fault.HintOf(err) == "" {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}

func TestRetiredMachinesAndStrangersHoldNothing(t *testing.T) {
	have := applied(t, good())
	have.Machines[0].Phase, have.Machines[1].Slot = inventory.Retired, nil
	p := good()
	p.Racks[0].Machines[0].Name, p.Racks[0].Machines[1].Name = "n8", "n9"
	if _, d, err := against(t, p, have); err != nil || len(d.Changes) != 2 || len(d.Unplanned) != 0 {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestMachinesInThePlansRacksThatItDoesNotNameAreToldAndLeftAlone(t *testing.T) {
	p := good()
	p.Racks[0].Machines = p.Racks[0].Machines[:1]
	_, d, err := against(t, p, applied(t, good()))
	if err != nil || len(d.Changes) != 0 || len(d.Unplanned) != 1 || d.Unplanned[0] != "n2" {
		t.Errorf("got %+v, %v", d, err)
	}
}
