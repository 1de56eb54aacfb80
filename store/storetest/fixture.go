package storetest

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"rackwright/deploy"
	"rackwright/images"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

// fullPlan uses every field that a plan has.
func fullPlan() plan.Plan {
	return plan.Plan{
		Site: "lab",
		Networks: []plan.Network{
			{Name: "provision", CIDR: "10.0.0.0/24", Gateway: "10.0.0.1", DNS: []string{"10.0.0.2", "2001:db8::53"}, NTP: []string{"10.0.0.3"},
				Domain: "lab.example", MTU: 9000, Purpose: "provision", DHCP: inventory.DHCPAuthoritative, Strangers: inventory.StrangerDiscover,
				Pool: &plan.Pool{First: "10.0.0.100", Last: "10.0.0.109"}, LeaseSeconds: 1800, RouterAdverts: true, CIDR6: "2001:db8:0:20::/64", Gateway6: "fe80::1", DHCP6: inventory.DHCP6Reservations, SLAAC: true,
				Options: []inventory.Option{{Code: 209, Type: inventory.OptionText, Value: "pxelinux.cfg/lab"}, {Code: 121, Type: inventory.OptionRoutes, Value: "10.17.0.0/16 via 10.0.0.9", Always: true},
					{Code: 300, V6: true, Type: inventory.OptionHex, Value: "0a0b"}}},
			{Name: "oob", CIDR: "10.0.1.0/24", Purpose: "oob"},
		},
		Racks: []plan.Rack{
			{Name: "r1", Units: 47, Machines: []plan.Machine{
				{Name: "n1", U: 3, Height: 2, Face: "rear", Firmware: inventory.BIOS, Arch: "amd64", Vendor: "Acme", Model: "A1", Serial: "SN-1",
					UUID: "11111111-2222-3333-4444-555555555501",
					NICs: []plan.NIC{{Name: "left", MAC: mac(1).String(), Network: "provision", Address: "10.0.0.11", Address6: "2001:db8:0:20::11", Boot: true},
						{MAC: mac(11).String()}},
					BMC: &plan.BMC{Address: "https://10.0.1.11", Username: "admin", Password: "correct horse",
						CertificateSHA256: fmt.Sprintf("%064x", 77), MAC: mac(21).String()},
					RootDisk: &plan.Disk{Serial: "D1", WWN: "0x5000", Model: "Fast", Type: "nvme", MinBytes: 1 << 30, MaxBytes: 1 << 40}},
				{Name: "n2", U: 7, NICs: []plan.NIC{{MAC: mac(2).String(), Network: "provision", Address: "10.0.0.12"}}},
			}},
			{Name: "r2"},
		},
	}
}

// planOf is n machines n1, n2, ... with a slot, a MAC, an address and a BMC each.
func planOf(n int) plan.Plan {
	p := plan.Plan{Site: "lab", Networks: fullPlan().Networks, Racks: []plan.Rack{{Name: "r1"}}}
	for i := 1; i <= n; i++ {
		p.Racks[0].Machines = append(p.Racks[0].Machines, planned(i))
	}
	return p
}

func planned(i int) plan.Machine {
	return plan.Machine{Name: fmt.Sprintf("n%d", i), U: i, Vendor: "Acme", Serial: fmt.Sprintf("SN-%d", i),
		NICs: []plan.NIC{{MAC: mac(i).String(), Network: "provision", Address: fmt.Sprintf("10.0.0.%d", 10+i)}},
		BMC: &plan.BMC{Address: fmt.Sprintf("https://10.0.1.%d", 10+i), Username: "admin", Password: fmt.Sprintf("password %d", i),
			MAC: mac(100 + i).String()}}
}

func mac(i int) inventory.MAC { return inventory.MAC{0x52, 0x54, 0, 0, byte(i >> 8), byte(i)} }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// apply applies a plan and expects no refusal.
func (b *bench) apply(p plan.Plan) *plan.Diff {
	b.t.Helper()
	return must(b.ApplyPlan(b.ctx(), p, "", "tester"))(b.t)
}

// machine reads a machine.
func (b *bench) machine(name string) *inventory.Machine {
	b.t.Helper()
	return must(b.Machine(b.ctx(), name))(b.t)
}

// provision is the network of that name.
func (b *bench) provision() *inventory.Network {
	b.t.Helper()
	return b.network("provision")
}

// network reads a network.
func (b *bench) network(name string) *inventory.Network {
	b.t.Helper()
	for _, n := range must(b.Networks(b.ctx()))(b.t) {
		if n.Name == name {
			return &n
		}
	}
	b.t.Fatal("there is no network " + name)
	return nil
}

// image records an image and returns the order for it.
func (b *bench) image(name string) deploy.Order {
	b.t.Helper()
	i := debian(name)
	ok(b.t, b.AddImage(b.ctx(), &i, "tester"))
	return deploy.Order{Image: i.Name, Digest: i.Digest}
}

func debian(name string) images.Image {
	return images.Image{Name: name, Digest: "sha256:" + name, Source: "sha256:source", Format: "qcow2", Arch: "amd64",
		Firmware: []inventory.Firmware{inventory.BIOS, inventory.UEFI}, Bytes: 3 << 30, Stored: 1 << 29}
}

// deployment queues the deployment of an image on a machine.
func (b *bench) deployment(machine string) *deploy.Operation {
	b.t.Helper()
	return must(b.CreateOperation(b.ctx(), deploy.Deploy, machine, b.image("debian-12"), "tester"))(b.t)
}

// claim takes an operation and expects to get one.
func (b *bench) claim(owner string) *deploy.Operation {
	b.t.Helper()
	o := must(b.ClaimOperation(b.ctx(), owner, lease))(b.t)
	if o == nil {
		b.t.Fatal("there is nothing to claim")
	}
	return o
}

// running brings an operation on a machine to its first step, in no worker's hands.
func (b *bench) running(machine string) *deploy.Operation {
	b.t.Helper()
	b.deployment(machine)
	o := b.claim("w")
	o.State = deploy.Running
	ok(b.t, b.SaveOperation(b.ctx(), o))
	return must(b.Operation(b.ctx(), o.ID))(b.t)
}

// lease is how long the suite's workers hold an operation.
const lease = time.Minute

// same ends the test unless two values have the same JSON, which shows every field.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	g, err := json.Marshal(got)
	ok(t, err)
	w, err := json.Marshal(want)
	ok(t, err)
	if string(g) != string(w) {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
