package plan_test

import (
	"fmt"
	"testing"

	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// hall is a plan of machines with ports each cabled to a leaf, 40 to a rack.
func hall(machines, ports int) plan.Plan {
	p := plan.Plan{Site: "hall", Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/8"}},
		Models: []plan.Model{{Name: "leaf", Build: inventory.Build{Kind: inventory.KindSwitch, Ports: []inventory.Port{{Name: "1-64", Connector: inventory.SFP}}}},
			{Name: "x", Build: inventory.Build{Watts: 500, PSUs: []inventory.PSU{{Name: "psu1"}, {Name: "psu2"}}}}}}
	for i := range machines {
		if i%40 == 0 {
			p.Racks = append(p.Racks, plan.Rack{Name: fmt.Sprintf("r%d", i/40)})
		}
		rack := &p.Racks[len(p.Racks)-1]
		m := plan.Machine{Name: fmt.Sprintf("m%d", i), U: i%40 + 1, Model: "x", Serial: fmt.Sprintf("SN%d", i), Labels: map[string]string{"role": "web"}}
		for j := range ports {
			leaf := fmt.Sprintf("leaf-%d-%d", i/40, (i%40*ports+j)/64)
			if (i%40*ports+j)%64 == 0 {
				rack.Devices = append(rack.Devices, plan.Device{Name: leaf, Model: "leaf"})
			}
			m.NICs = append(m.NICs, plan.NIC{MAC: fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", i>>8, i&255, j>>8, j&255), Network: "provision",
				Address: fmt.Sprintf("10.%d.%d.%d", i>>8+1, i&255, j+1), Connector: inventory.SFP, Cable: cable(fmt.Sprintf("%s:%d", leaf, (i%40*ports+j)%64+1))})
		}
		rack.Machines = append(rack.Machines, m)
	}
	return p
}

func BenchmarkAThousandMachinesOfSixtyPortsFirst(b *testing.B) {
	p := hall(1000, 60)
	for b.Loop() {
		w, err := p.Resolve()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Against(inventory.Inventory{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAThousandMachinesOfSixtyPortsAgain(b *testing.B) {
	p := hall(1000, 60)
	w, err := p.Resolve()
	if err == nil {
		_, err = w.Against(inventory.Inventory{})
	}
	if err != nil {
		b.Fatal(err)
	}
	have := stored(w)
	for b.Loop() {
		w, _ := p.Resolve()
		if d, err := w.Against(have); err != nil || len(d.Changes) > 0 {
			b.Fatal(d, err)
		}
	}
}
