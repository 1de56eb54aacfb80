package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"rackwright/inventory"
	"rackwright/inventory/plan"
	"rackwright/seal"
	"rackwright/store"
)

// A hall is full of racks of perRack machines; a plan names perPlan machines.
const (
	perRack = 25
	perPlan = 1000
)

// hall opens the database and fills it with so many machines, of a thousand to a plan.
func hall(ctx context.Context, dsn string, machines int) (*store.DB, error) {
	db, err := openStore(ctx, dsn)
	if err != nil {
		return nil, err
	}
	for first := 0; first < machines; first += perPlan {
		if _, err := db.ApplyPlan(ctx, hallPlan(first, min(perPlan, machines-first), 4), "", "bench"); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// openStore opens a database with a key of its own.
func openStore(ctx context.Context, dsn string) (*store.DB, error) {
	key, err := seal.NewKey(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Options{DSN: dsn, Sealer: key})
}

// hallPlan is the plan of some machines of the hall, each with so many network ports: two
// of them cabled to the leaf switches of its rack, and both its power supplies to the PDUs.
func hallPlan(first, machines, nics int) plan.Plan {
	p := plan.Plan{Site: "hall", Models: hallModels(), Networks: hallNetworks(), Projects: hallProjects()}
	for at := first; at < first+machines; at += perRack {
		p.Racks = append(p.Racks, hallRack(at/perRack, min(perRack, first+machines-at), nics))
	}
	return p
}

func hallProjects() (out []plan.Project) {
	for i := range 20 {
		out = append(out, plan.Project{Name: fmt.Sprintf("team-%02d", i)})
	}
	return out
}

func hallNetworks() []plan.Network {
	return []plan.Network{{Name: "provision", CIDR: "10.0.0.0/8", DHCP: inventory.DHCPReservations}, {Name: "oob", CIDR: "172.16.0.0/12", Purpose: "oob"}}
}

func hallModels() []plan.Model {
	ports := []inventory.Port{{Name: "1-48", Connector: inventory.SFP}}
	outlets := []inventory.Port{{Name: "1-40", Connector: inventory.C13}}
	psus := []inventory.PSU{{Name: "psu1", Connector: inventory.C14}, {Name: "psu2", Connector: inventory.C14}}
	return []plan.Model{
		{Name: "node", Build: inventory.Build{Vendor: "Acme", Product: "R1", WeightKG: 18, Watts: 400, PSUs: psus}},
		{Name: "leaf", Build: inventory.Build{Kind: inventory.KindSwitch, WeightKG: 9, Watts: 300, Ports: ports}},
		{Name: "strip", Build: inventory.Build{Kind: inventory.KindPDU, WeightKG: 5, Ports: outlets}},
	}
}

func hallRack(rack, machines, nics int) plan.Rack {
	name := fmt.Sprintf("r%04d", rack)
	r := plan.Rack{Name: name, Units: 48, Row: fmt.Sprintf("row%02d", rack/100), WeightLimitKG: 1000,
		Feeds: []inventory.Feed{{Name: "A", Volts: 230, Amps: 63, Phases: 1}, {Name: "B", Volts: 230, Amps: 63, Phases: 1}}}
	for i, feed := range []string{"a", "b"} {
		r.Devices = append(r.Devices,
			plan.Device{Name: name + "-leaf-" + feed, Model: "leaf", U: 47 + i},
			plan.Device{Name: name + "-pdu-" + feed, Model: "strip", Feed: []string{"A", "B"}[i]})
	}
	for u := 1; u <= machines; u++ {
		r.Machines = append(r.Machines, hallMachine(name, rack*perRack+u-1, u, nics))
	}
	return r
}

func hallMachine(rack string, n, u, nics int) plan.Machine {
	m := plan.Machine{Name: fmt.Sprintf("%s-u%02d", rack, u), U: u, Model: "node", Serial: fmt.Sprintf("SN%07d", n*7919%9999991),
		AssetTag: fmt.Sprintf("A%07d", n), Batch: fmt.Sprintf("batch-%d", n/500), Project: fmt.Sprintf("team-%02d", n%20),
		Labels: map[string]string{"role": []string{"web", "db", "storage", "compute", "spare"}[n%5], "zone": fmt.Sprintf("z%d", n/perRack%40)},
		BMC:    &plan.BMC{Address: "https://" + spread("172.16.0.0", n).String(), Username: "root"}}
	if n%10 == 0 {
		m.Tags = []string{"gpu"}
	}
	for i := range nics {
		nic := plan.NIC{MAC: inventory.MAC{2, byte(n >> 16), byte(n >> 8), byte(n), byte(i >> 8), byte(i)}.String()}
		if i == 0 {
			nic.Network, nic.Address, nic.Boot = "provision", spread("10.0.1.0", n).String(), true
		}
		if i < 2 {
			nic.Connector = inventory.SFP
			nic.Cable = &inventory.Cable{To: inventory.End{Owner: rack + "-leaf-" + []string{"a", "b"}[i], Port: fmt.Sprint(u)}, Type: "dac", LengthM: 2}
		}
		m.NICs = append(m.NICs, nic)
	}
	for i, feed := range []string{"a", "b"} {
		m.PSUs = append(m.PSUs, inventory.PSU{Name: fmt.Sprintf("psu%d", i+1), Connector: inventory.C14,
			Cable: &inventory.Cable{To: inventory.End{Owner: rack + "-pdu-" + feed, Port: fmt.Sprint(u)}}})
	}
	return m
}

// spread is the nth address behind a first one, 250 to each 256.
func spread(first string, n int) netip.Addr {
	a := netip.MustParseAddr(first).As4()
	v := int(a[0])<<24 | int(a[1])<<16 | int(a[2])<<8 | int(a[3])
	v += n/250<<8 + n%250 + 1
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// emptyFolder makes a folder of the output's that has nothing in it.
func emptyFolder(out, name string) (string, error) {
	dir := filepath.Join(out, "bench", name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}
