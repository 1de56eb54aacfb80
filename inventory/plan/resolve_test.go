package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

func TestAFaultyRackModelOrCableNamesTheFieldAndTheReason(t *testing.T) {
	rack := func(change func(r *plan.Rack)) func(p *plan.Plan) {
		return func(p *plan.Plan) { change(&p.Racks[0]) }
	}
	n1 := func(change func(m *plan.Machine)) func(p *plan.Plan) {
		return func(p *plan.Plan) { change(&p.Racks[0].Machines[0]) }
	}
	device := func(i int, change func(d *plan.Device)) func(p *plan.Plan) {
		return func(p *plan.Plan) { change(&p.Racks[0].Devices[i]) }
	}
	model := func(i int, change func(m *plan.Model)) func(p *plan.Plan) {
		return func(p *plan.Plan) { change(&p.Models[i]) }
	}
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprint("k", i)] = "v"
	}
	for name, c := range map[string]struct {
		spoil      func(p *plan.Plan)
		path, says string
	}{
		"a rack numbered sideways":      {rack(func(r *plan.Rack) { r.Numbering = "left" }), "racks[0].numbering", "up, down"},
		"a feed without volts":          {rack(func(r *plan.Rack) { r.Feeds[0].Volts = 0 }), "racks[0].feeds[0].volts", "between"},
		"a feed twice":                  {rack(func(r *plan.Rack) { r.Feeds[1].Name = "A" }), "racks[0].feeds[1].name", "taken twice"},
		"two phases":                    {rack(func(r *plan.Rack) { r.Feeds[1].Phases = 2 }), "racks[0].feeds[1].phases", "neither"},
		"a reservation above the rack":  {rack(func(r *plan.Rack) { r.Reserved[0].U = 47 }), "racks[0].reserved[0].u", "does not fit"},
		"a unit reserved twice":         {rack(func(r *plan.Rack) { r.Reserved[1].U = 41 }), "racks[0].reserved[1].u", "reserved twice"},
		"a reservation for no reason":   {rack(func(r *plan.Rack) { r.Reserved[0].Reason = "" }), "racks[0].reserved[0].reason", "kept for"},
		"a machine in a reserved unit":  {n1(func(m *plan.Machine) { m.U, m.Project = 41, "" }), "racks[0].machines[0].u", "unit 41 is reserved: storage"},
		"a switch in a reserved unit":   {device(3, func(d *plan.Device) { d.U = 40 }), "racks[0].devices[3].u", "reserved"},
		"65 labels":                     {n1(func(m *plan.Machine) { m.Labels = many }), "racks[0].machines[0].labels", "more than 64"},
		"a label without a value":       {n1(func(m *plan.Machine) { m.Labels = map[string]string{"a": ""} }), "racks[0].machines[0].labels", "under tags"},
		"a label with a space":          {n1(func(m *plan.Machine) { m.Labels = map[string]string{"a b": "c"} }), "racks[0].machines[0].labels", "not the name of a label"},
		"a value of two lines":          {n1(func(m *plan.Machine) { m.Labels = map[string]string{"a": "b\nc"} }), "racks[0].machines[0].labels", "line of text"},
		"a tag that is a label":         {n1(func(m *plan.Machine) { m.Tags = []string{"role"} }), "racks[0].machines[0].tags[0]", "already"},
		"a waiver of nothing":           {n1(func(m *plan.Machine) { m.Waive[0].Rule = "gravity" }), "racks[0].machines[0].waive[0].rule", "no rule"},
		"a waiver without a reason":     {n1(func(m *plan.Machine) { m.Waive[0].Reason = "" }), "racks[0].machines[0].waive[0].reason", "say why"},
		"a device without a kind":       {device(5, func(d *plan.Device) { d.Kind = "" }), "racks[0].devices[5].kind", "say switch"},
		"a device of a machine's model": {device(3, func(d *plan.Device) { d.Model, d.Kind = "x200", "switch" }), "racks[0].devices[3].kind", "is a machine, not a switch"},
		"a machine of a switch's model": {n1(func(m *plan.Machine) { m.Model = "leaf48" }), "racks[0].machines[0].model", "is a switch"},
		"a name for two things":         {device(3, func(d *plan.Device) { d.Name = "n1" }), "racks[0].machines[0].name", "taken twice"},
		"a PDU on a feed of no rack":    {device(0, func(d *plan.Device) { d.Feed = "C" }), "racks[0].devices[0].feed", "no feed"},
		"a range of a billion ports":    {device(5, func(d *plan.Device) { d.Ports[0].Name = "1-999999999" }), "racks[0].devices[5].ports[0].name", "range"},
		"a range of too many ports":     {device(5, func(d *plan.Device) { d.Ports[0].Name = "1-2000" }), "racks[0].devices[5].ports[0].name", "range"},
		"ranges that overlap":           {device(5, func(d *plan.Device) { d.Ports[0].Name = "1-3" }), "racks[0].devices[5].ports[1].name", "taken twice"},
		"a range on one cable":          {device(5, func(d *plan.Device) { d.Ports[1].Cable = cable("leaf-1:1") }), "racks[0].devices[5].ports[1].cable", "cannot begin at 3"},
		"a model of no kind":            {model(0, func(m *plan.Model) { m.Kind = "toaster" }), "models[0].kind", "none of"},
		"a model lighter than air":      {model(0, func(m *plan.Model) { m.WeightKG = -1 }), "models[0].weight_kg", "between"},
		"a model that blows up":         {model(0, func(m *plan.Model) { m.Airflow = "up" }), "models[0].airflow", "none of"},
		"a model with a C13 inlet":      {model(4, func(m *plan.Model) { m.PSUs[0].Connector = inventory.C13 }), "models[4].psus[0].connector", "none of"},
		"a model that is cabled":        {model(4, func(m *plan.Model) { m.PSUs[0].Cable = cable("pdu-a:1") }), "models[4].psus[0]", "one thing"},
		"one DIMM slot twice":           {model(4, func(m *plan.Model) { m.Parts.DIMMs = append(m.Parts.DIMMs, m.Parts.DIMMs[0]) }), "models[4].parts.dimms[1].slot", "named twice"},
		"a half-width model, no side":   {model(4, func(m *plan.Model) { m.HalfWidth = true }), "racks[0].machines[0].side", "left or right"},
		"half of a full-width model":    {n1(func(m *plan.Machine) { m.Side = "left" }), "racks[0].machines[0].side", "full width"},
		"two machines in one half": {func(p *plan.Plan) { p.Racks[0].Machines[5].Side = "left" },
			"racks[0].machines[5].u", "slot r1/u30 front left is taken twice: by n5 and by n6"},
		"something behind full depth":    {device(5, func(d *plan.Device) { d.U = 2 }), "racks[0].machines[0].u", "slot r1/u2 rear is taken twice: by spine and by n1"},
		"a bay without a chassis":        {n1(func(m *plan.Machine) { m.Bay = "1" }), "racks[0].machines[0].bay", "which chassis"},
		"a node with a unit":             {func(p *plan.Plan) { p.Racks[0].Machines[2].U = 3 }, "racks[0].machines[2].u", "leave out"},
		"a bay the chassis has not":      {func(p *plan.Plan) { p.Racks[0].Machines[2].Bay = "9" }, "racks[0].machines[2].bay", "no bay"},
		"a bay twice":                    {func(p *plan.Plan) { p.Racks[0].Machines[2].Bay = "2" }, "racks[0].machines[3].bay", "bay box-1/2 is taken twice"},
		"a node of a switch":             {func(p *plan.Plan) { p.Racks[0].Machines[2].Chassis = "leaf-1" }, "racks[0].machines[2].chassis", "not a chassis"},
		"an end without a port":          {n1(func(m *plan.Machine) { m.NICs[0].Cable = cable("leaf-1") }), "racks[0].machines[0].nics[0].cable.to", "NAME:PORT"},
		"a port that is not there":       {n1(func(m *plan.Machine) { m.NICs[0].Cable = cable("leaf-1:99") }), "racks[0].machines[0].nics[0].cable.to", "has no port"},
		"a port cabled twice":            {n1(func(m *plan.Machine) { m.NICs[0].Cable = cable("leaf-1:Ethernet2") }), "racks[0].machines[1].nics[0].cable.to", "leaf-1:Ethernet2 is cabled twice: from n1:nic1 and from n2:nic1"},
		"an outlet twice":                {n1(func(m *plan.Machine) { m.PSUs[0].Cable = cable("pdu-a:8") }), "racks[0].machines[0].psus[0].cable.to", "pdu-a:8 is cabled twice"},
		"a C20 in a C13":                 {n1(func(m *plan.Machine) { m.PSUs[2].Cable = cable("pdu-a:2") }), "racks[0].machines[0].psus[2].cable", "no cable joins c20"},
		"a copper cable in cages":        {n1(func(m *plan.Machine) { m.NICs[0].Cable.Type = "cat6" }), "racks[0].machines[0].nics[0].cable", "cat6 does not join sfp and sfp"},
		"a cable of string":              {n1(func(m *plan.Machine) { m.NICs[0].Cable.Type = "string" }), "racks[0].machines[0].nics[0].cable.type", "none of"},
		"a NIC in an outlet":             {n1(func(m *plan.Machine) { m.NICs[0].Cable = cable("pdu-a:3") }), "racks[0].machines[0].nics[0].cable", "power and network"},
		"a power cable from its outlet":  {device(0, func(d *plan.Device) { d.Ports = []inventory.Port{{Name: "3", Cable: cable("n1:psu3")}} }), "racks[0].devices[0].ports[0].cable", "planned at the power supply"},
		"a supply named like a port":     {n1(func(m *plan.Machine) { m.NICs[0].Name = "psu1" }), "racks[0].machines[0].psus", "network port too"},
		"a way nobody netboots":          {n1(func(m *plan.Machine) { m.Netboot = "tftp" }), "racks[0].machines[0].netboot", "is none of pxe, http"},
		"a model that netboots by HTTPS": {model(0, func(m *plan.Model) { m.Netboot = "https" }), "models[0].netboot", "is none of pxe, http"},
		"BIOS that netboots by HTTP":     {n1(func(m *plan.Machine) { m.Firmware, m.Netboot = inventory.BIOS, inventory.NetbootHTTP }), "racks[0].machines[0].netboot", "by pxe"},
		"two boot ports":                 {n1(func(m *plan.Machine) { m.NICs[1].Boot = true }), "racks[0].machines[0].nics", "netboots from one"},
		"an asset tag twice":             {n1(func(m *plan.Machine) { m.AssetTag = "AT-B" }), "racks[0].machines[0].asset_tag", "asset tag AT-B is taken twice"},
		"a VLAN beyond all":              {func(p *plan.Plan) { p.Networks[0].VLAN = 4095 }, "networks[0].vlan", "between 1 and 4094"},
		"DHCP on both of two that meet":  {func(p *plan.Plan) { p.Networks[1].DHCP = inventory.DHCPReservations }, "networks", "DHCP cannot tell"},
		"one routing domain, one subnet": {func(p *plan.Plan) { p.Networks[1].RoutingDomain = "" }, "networks", "overlaps"},
		"a project twice":                {func(p *plan.Plan) { p.Projects = append(p.Projects, p.Projects[0]) }, "projects[1].name", "taken twice"},
	} {
		p := fullPlan()
		c.spoil(&p)
		_, err := p.Resolve()
		if f := fieldsOf(err); !fault.Is(err, fault.Invalid) || !strings.Contains(f[c.path], c.says) {
			t.Errorf("%s: want %s %q, got %v", name, c.path, c.says, err)
		}
	}
}

func TestAThingGetsWhatItsModelHas(t *testing.T) {
	w, _, err := against(t, fullPlan(), inventory.Inventory{})
	if err != nil {
		t.Fatal(err)
	}
	inv := stored(w)
	n1, leaf, n3 := inv.Machine("n1"), inv.Device("leaf-1"), inv.Machine("n3")
	if *n1.Slot != (inventory.Slot{Rack: "r1", U: 1, Height: 2, Face: inventory.Both}) || n1.Vendor != "Example" || len(n1.PSUs) != 3 ||
		n1.PSUs[0].Watts != 800 || n1.PSUs[0].Cable.Type != "c14-c13" || n1.PSUs[2].Connector != inventory.C20 {
		t.Errorf("machine %+v in %+v", n1, n1.Slot)
	}
	if !n1.NICs[1].MAC.IsZero() || n1.NICs[1].Name != "eth1" {
		t.Errorf("port %+v", n1.NICs[1])
	}
	if leaf.Kind != inventory.KindSwitch || len(leaf.Ports) != 54 || leaf.Ports[6] != (inventory.Port{Name: "Ethernet7", Connector: inventory.SFP, Circuit: "leaf-1|Ethernet7"}) ||
		leaf.PSUs[0].Cable.To.String() != "pdu-a:8" || leaf.Ports[48].Connector != inventory.QSFP {
		t.Errorf("switch %+v", leaf)
	}
	if *n3.Slot != (inventory.Slot{Rack: "r1", U: 10, Height: 2, Face: inventory.Front, Chassis: "box-1", Bay: "1"}) || len(n3.Slot.Cells()) != 0 {
		t.Errorf("node in %+v", n3.Slot)
	}
}

func TestDefaultsComeFromAModelOrChassisOfTheInventoryToo(t *testing.T) {
	have := applied(t, fullPlan())
	p := fullPlan()
	p.Models, p.Projects, p.Networks = nil, nil, nil
	p.Racks[0].Devices = nil
	w, d, err := against(t, p, have)
	if err != nil || len(d.Changes) != 0 {
		t.Errorf("changes %+v, %v", d, err)
	}
	if len(w.Machines[0].PSUs) != 3 || w.Machines[2].Slot.U != 10 {
		t.Errorf("machines %+v", w.Machines)
	}
	for says, spoil := range map[string]func(m []plan.Machine){
		"slot r1/u45 front belongs to leaf-1":  func(m []plan.Machine) { m[0].U = 44 },
		"slot r1/u4 front belongs to n1":       func(m []plan.Machine) { m[0].U = 4 },
		"there is no chassis \"box-9\"":        func(m []plan.Machine) { m[2].Chassis = "box-9" },
		"chassis box-1 has no bay":             func(m []plan.Machine) { m[2].Bay = "9" },
		"model leaf48 is a switch":             func(m []plan.Machine) { m[0].Model = "leaf48" },
		"there is no project \"nobody\"":       func(m []plan.Machine) { m[0].Project = "nobody" },
		"which has no port \"Ethernet99\"":     func(m []plan.Machine) { m[0].NICs[0].Cable = cable("leaf-1:Ethernet99") },
		"is cabled to leaf-9, which is not":    func(m []plan.Machine) { m[0].NICs[0].Cable = cable("leaf-9:1") },
		"the cable in leaf-1:Ethernet49":       func(m []plan.Machine) { m[0].NICs[0].Cable = cable("leaf-1:Ethernet49") },
		"name leaf-1 belongs to a device":      func(m []plan.Machine) { m[0].Name = "leaf-1" },
		"the cable in pdu-a:8 belongs to leaf": func(m []plan.Machine) { m[0].PSUs[0].Cable = cable("pdu-a:8") },
		"asset tag AT-B belongs to pdu-b":      func(m []plan.Machine) { m[0].AssetTag = "AT-B" },
		"no cable joins c20":                   func(m []plan.Machine) { m[0].PSUs[2].Cable = cable("pdu-a:3") },
	} {
		p := fullPlan()
		p.Models, p.Projects, p.Networks, p.Racks[0].Devices = nil, nil, nil, nil
		spoil(p.Racks[0].Machines)
		if _, _, err := against(t, p, have); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}

func TestPortsAreWrittenAsRangesWhereTheyCanBe(t *testing.T) {
	for _, c := range []struct {
		ports []inventory.Port
		want  string
	}{
		{[]inventory.Port{{Name: "1-48", Circuit: "vlan1/{port}"}}, "1-48 vlan1/{port}"},
		{[]inventory.Port{{Name: "01-12"}, {Name: "mgmt", Connector: "rj45"}}, "01-12 ,mgmt "},
		{[]inventory.Port{{Name: "a1"}, {Name: "a3"}, {Name: "a4", Connector: "sfp"}}, "a1 ,a3 ,a4 "},
		{[]inventory.Port{{Name: "a3"}, {Name: "a2"}}, "a3 ,a2 "},
		{[]inventory.Port{{Name: "e1/1-4", Circuit: "e1"}}, "e1/1-4 e1"},
	} {
		p := plan.Plan{Site: "lab", Racks: []plan.Rack{{Name: "r1", Devices: []plan.Device{{Name: "s", Kind: "switch", Ports: c.ports}}}}}
		have := applied(t, p)
		var got []string
		for _, p := range plan.Of(&have).Racks[0].Devices[0].Ports {
			got = append(got, p.Name+" "+p.Circuit)
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("got %v, want %s", got, c.want)
		}
	}
}
