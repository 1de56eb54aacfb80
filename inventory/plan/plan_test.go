package plan_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/inventory/plan"
)

var one, two, three = inventory.MAC{2, 0, 0, 0, 0, 1}, inventory.MAC{2, 0, 0, 0, 0, 2}, inventory.MAC{2, 0, 0, 0, 0, 3}

// good is a plan without fault: one rack with two machines on one network.
func good() plan.Plan {
	return plan.Plan{Site: "lab",
		Networks: []plan.Network{{Name: "provision", CIDR: "10.0.0.0/24", Gateway: "10.0.0.1", DHCP: inventory.DHCPReservations}},
		Racks: []plan.Rack{{Name: "r1", Machines: []plan.Machine{
			{Name: "n1", U: 1, NICs: []plan.NIC{{MAC: one.String(), Network: "provision", Address: "10.0.0.11"}},
				BMC: &plan.BMC{Address: "https://10.0.0.21", Username: "admin", Password: "secret"}},
			{Name: "n2", U: 2, NICs: []plan.NIC{{MAC: two.String(), Network: "provision", Address: "10.0.0.12"}}},
		}}}}
}

func TestAPlanGetsTheDefaultsOfTheTrade(t *testing.T) {
	p := good()
	p.Racks[0].Machines[0].BMC.CertificateSHA256 = strings.Repeat("AB:", 31) + "AB"
	w, err := p.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	m, n, r := w.Machines[0], w.Networks[0], w.Racks[0]
	if *m.Slot != (inventory.Slot{Rack: "r1", U: 1, Height: 1, Face: "front"}) || m.Firmware != inventory.UEFI || m.Arch != "amd64" ||
		m.Phase != inventory.Planned || m.Power != inventory.PowerUnknown || m.NICs[0].Name != "nic1" || r.Units != 42 || r.Site != "lab" {
		t.Errorf("machine %+v in %+v", m, r)
	}
	if n.Purpose != "provision" || n.Strangers != inventory.StrangerIgnore || n.LeaseSeconds != 3600 || w.Networks[0].DHCP != inventory.DHCPReservations {
		t.Errorf("network %+v", n)
	}
	if m.BMC.CertificateSHA256 != strings.Repeat("ab", 32) || w.Passwords["n1"] != "secret" {
		t.Errorf("BMC %+v", m.BMC)
	}
}

func TestAFaultyPlanNamesTheFieldAndTheReason(t *testing.T) {
	machine := func(change func(m *plan.Machine)) func(p *plan.Plan) {
		return func(p *plan.Plan) { change(&p.Racks[0].Machines[1]) }
	}
	network := func(change func(n *plan.Network)) func(p *plan.Plan) {
		return func(p *plan.Plan) { change(&p.Networks[0]) }
	}
	for name, c := range map[string]struct {
		spoil      func(p *plan.Plan)
		path, says string
	}{
		"a site without a name":     {func(p *plan.Plan) { p.Site = "" }, "site", "not a name"},
		"a name with capitals":      {machine(func(m *plan.Machine) { m.Name = "N2" }), "racks[0].machines[1].name", "RFC 1123"},
		"a name like an id":         {machine(func(m *plan.Machine) { m.Name = "01890a5d-ac96-774b-bcce-b302099a8057" }), "racks[0].machines[1].name", "form of an id"},
		"one name twice":            {machine(func(m *plan.Machine) { m.Name = "n1" }), "racks[0].machines[1].name", "taken twice"},
		"one slot twice":            {machine(func(m *plan.Machine) { m.U = 1 }), "racks[0].machines[1].u", "by n1 and by n2"},
		"a tall machine in another": {func(p *plan.Plan) { p.Racks[0].Machines[0].Height = 2 }, "racks[0].machines[1].u", "slot r1/u2 front"},
		"a slot above the rack":     {machine(func(m *plan.Machine) { m.U, m.Height = 42, 2 }), "racks[0].machines[1].u", "does not fit"},
		"a slot beyond all numbers": {machine(func(m *plan.Machine) { m.U, m.Height = math.MaxInt, 2 }), "racks[0].machines[1].u", "does not fit"},
		"a rack beyond all heights": {func(p *plan.Plan) { p.Racks[0].Units, p.Racks[0].Machines[1].Height = 1<<40, 1<<40 }, "racks[0].units", "between 1 and 100"},
		"no slot":                   {machine(func(m *plan.Machine) { m.U = 0 }), "racks[0].machines[1].u", "does not fit"},
		"a third face":              {machine(func(m *plan.Machine) { m.Face = "side" }), "racks[0].machines[1].face", "front, rear"},
		"a firmware nobody has":     {machine(func(m *plan.Machine) { m.Firmware = "efi" }), "racks[0].machines[1].firmware", "bios, uefi"},
		"one MAC twice":             {machine(func(m *plan.Machine) { m.NICs[0].MAC = one.String() }), "racks[0].machines[1].nics[0].mac", "by n1 and by n2"},
		"a BMC with a NIC's MAC":    {func(p *plan.Plan) { p.Racks[0].Machines[0].BMC.MAC = one.String() }, "racks[0].machines[0].bmc.mac", "taken twice"},
		"one address twice":         {machine(func(m *plan.Machine) { m.NICs[0].Address = "10.0.0.11" }), "racks[0].machines[1].nics[0].address", "by n1 and by n2"},
		"an address in no network":  {machine(func(m *plan.Machine) { m.NICs[0].Network = "" }), "racks[0].machines[1].nics[0].network", "needs the network"},
		"one port name twice": {machine(func(m *plan.Machine) {
			m.NICs = append(m.NICs, plan.NIC{Name: "nic1", MAC: three.String()})
		}), "racks[0].machines[1].nics[1].name", "taken twice"},
		"one serial twice":            {func(p *plan.Plan) { p.Racks[0].Machines[0].Serial, p.Racks[0].Machines[1].Serial = "sn1", "SN1 " }, "racks[0].machines[1].serial", "by n1 and by n2"},
		"no UUID":                     {machine(func(m *plan.Machine) { m.UUID = "1234" }), "racks[0].machines[1].uuid", "not a UUID"},
		"half a MAC":                  {machine(func(m *plan.Machine) { m.NICs[0].MAC = "52:54:00" }), "racks[0].machines[1].nics[0].mac", "not a MAC"},
		"a BMC without a scheme":      {func(p *plan.Plan) { p.Racks[0].Machines[0].BMC.Address = "10.0.0.21" }, "racks[0].machines[0].bmc.address", "https://host"},
		"a BMC with a password in it": {func(p *plan.Plan) { p.Racks[0].Machines[0].BMC.Address = "https://u:hunter2@h" }, "racks[0].machines[0].bmc.address", "https://host"},
		"a short fingerprint":         {func(p *plan.Plan) { p.Racks[0].Machines[0].BMC.CertificateSHA256 = "ab" }, "racks[0].machines[0].bmc.certificate_sha256", "64"},
		"a disk that cannot be":       {machine(func(m *plan.Machine) { m.RootDisk = &plan.Disk{MinBytes: 2, MaxBytes: 1} }), "racks[0].machines[1].root_disk", "no disk"},
		"a disk of no type":           {machine(func(m *plan.Machine) { m.RootDisk = &plan.Disk{Type: "tape"} }), "racks[0].machines[1].root_disk.type", "nvme"},
		"host bits in a network":      {network(func(n *plan.Network) { n.CIDR = "10.0.0.1/24" }), "networks[0].cidr", "10.0.0.0/24"},
		"a network of IPv6":           {network(func(n *plan.Network) { n.CIDR = "2001:db8::/64" }), "networks[0].cidr", "IPv4"},
		"a gateway outside":           {network(func(n *plan.Network) { n.Gateway = "10.0.1.1" }), "networks[0].gateway", "outside"},
		"a DNS server by name":        {network(func(n *plan.Network) { n.DNS = []string{"10.0.0.2", "dns"} }), "networks[0].dns[1]", "not an IP"},
		"a domain of two lines":       {network(func(n *plan.Network) { n.Domain = "a.example\nb" }), "networks[0].domain", "not a domain"},
		"DHCPv6 without a subnet":     {network(func(n *plan.Network) { n.DHCP6 = inventory.DHCP6Reservations }), "networks[0].cidr6", "IPv6 subnet"},
		"an unknown DHCPv6 mode":      {network(func(n *plan.Network) { n.CIDR6, n.DHCP6 = "fd00::/64", "proxy" }), "networks[0].dhcp6", "stateless"},
		"own addresses, no adverts":   {network(func(n *plan.Network) { n.CIDR6, n.SLAAC = "fd00::/64", true }), "networks[0].slaac", "router_adverts"},
		"own addresses of a /80":      {network(func(n *plan.Network) { n.CIDR6, n.SLAAC, n.RouterAdverts = "fd00::/80", true, true }), "networks[0].slaac", "/64"},
		"packets too small for IPv6":  {network(func(n *plan.Network) { n.CIDR6, n.DHCP6, n.MTU = "fd00::/64", inventory.DHCP6Stateless, 1000 }), "networks[0].mtu", "1280"},
		"a short lease":               {network(func(n *plan.Network) { n.LeaseSeconds = 5 }), "networks[0].lease_seconds", "60"},
		"a tiny MTU":                  {network(func(n *plan.Network) { n.MTU = 100 }), "networks[0].mtu", "576"},
		"DHCP of a new kind":          {network(func(n *plan.Network) { n.DHCP = "on" }), "networks[0].dhcp", "authoritative"},
		"strangers and no pool":       {network(func(n *plan.Network) { n.Strangers = inventory.StrangerDiscover }), "networks[0].pool", "needs a pool"},
		"an option of the protocol": {network(func(n *plan.Network) {
			n.Options = []inventory.Option{{Code: 53, Type: inventory.OptionUint8, Value: "1"}}
		}), "networks[0].options[0]", "belongs to the protocol"},
		"an option that is a field": {network(func(n *plan.Network) {
			n.Options = []inventory.Option{{Code: 3, Type: inventory.OptionIP, Value: "10.0.0.1"}}
		}), "networks[0].options[0]", "the network's gateway"},
		"an option of another type": {network(func(n *plan.Network) {
			n.Options = []inventory.Option{{Code: 150, Type: inventory.OptionIPs, Value: "10.0.0.1,here"}}
		}), "networks[0].options[0]", "is no ips"},
		"an option twice": {network(func(n *plan.Network) {
			o := inventory.Option{Code: 150, Type: inventory.OptionIP, Value: "10.0.0.1"}
			n.Options = []inventory.Option{o, o}
		}), "networks[0].options[1]", "there twice"},
		"a model's option of no type": {func(p *plan.Plan) {
			p.Models = append(p.Models, plan.Model{Name: "blade", Build: inventory.Build{Options: []inventory.Option{{Code: 209, Value: "x"}}}})
		}, "models[0].options[0]", "\"x\" is no"},
		"a mode of DHCP nobody has": {network(func(n *plan.Network) { n.DHCP = "relay" }), "networks[0].dhcp", "proxy"},
		"a pool upside down": {network(func(n *plan.Network) {
			n.Pool = &plan.Pool{First: "10.0.0.9", Last: "10.0.0.8"}
		}), "networks[0].pool", "not a range"},
		"a pool up to the broadcast": {network(func(n *plan.Network) {
			n.Pool = &plan.Pool{First: "10.0.0.9", Last: "10.0.0.255"}
		}), "networks[0].pool", "not a range"},
		"networks that overlap": {func(p *plan.Plan) {
			p.Networks = append(p.Networks, plan.Network{Name: "b", CIDR: "10.0.0.128/25"})
		}, "networks", "overlaps provision"},
	} {
		p := good()
		c.spoil(&p)
		w, err := p.Resolve()
		f := fieldsOf(err)
		if w != nil || !fault.Is(err, fault.Invalid) || !strings.Contains(f[c.path], c.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func fieldsOf(err error) map[string]string {
	out := map[string]string{}
	if e, ok := err.(*fault.Error); ok && e != nil {
		for _, f := range e.Fields {
			out[f.Path] += f.Message
		}
	}
	return out
}

func TestAllFaultsOfAPlanAreToldAtOnce(t *testing.T) {
	p := good()
	p.Site, p.Networks[0].CIDR, p.Racks[0].Machines[1].U, p.Racks[0].Machines[1].NICs[0].MAC = "", "x", 99, "x"
	if _, err := p.Resolve(); len(fieldsOf(err)) != 4 || fault.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}

func FuzzResolve(f *testing.F) {
	plain, _ := json.Marshal(good())
	f.Add(plain)
	everything, _ := json.Marshal(fullPlan())
	f.Add(everything)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"site":"a","models":[{"name":"c","kind":"chassis","bays":["1"]}],"racks":[{"name":"r","devices":[{"name":"d","u":1,"model":"c","side":"left"}],"machines":[{"name":"m","chassis":"d","bay":"1","nics":[{"cable":{"to":"d:1"}}]}]}]}`))
	f.Add([]byte(`{"site":"a","racks":[{"name":"r","devices":[{"name":"d","kind":"switch","ports":[{"name":"a01-24","circuit":"x{port}"},{"name":"a25"}]}]}]}`))
	f.Add([]byte(`{"site":"a","racks":[{"name":"r","units":1000000000,"machines":[{"name":"m","u":9223372036854775807,"height":2}]}]}`))
	f.Add([]byte(`{"site":"a","networks":[{"name":"n","cidr":"0.0.0.0/0","pool":{"first":"0.0.0.1","last":"255.255.255.254"},"strangers":"discover"}]}`))
	f.Add([]byte(`{"site":"a","racks":[{"name":"r","machines":[{"name":"m","u":1,"nics":[{"mac":"02:00:00:00:00:01","network":"n","address":"::1"}]}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p plan.Plan
		if len(b) > 1<<16 || json.Unmarshal(b, &p) != nil {
			return
		}
		w, err := p.Resolve()
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("a faulty plan is %s: %v", fault.KindOf(err), err)
			}
			return
		}
		d, err := w.Against(inventory.Inventory{})
		if err != nil {
			return // it names a network that is not there
		}
		again, err := p.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		have := stored(w)
		second, err := again.Against(have)
		if err != nil || len(second.Changes) != 0 {
			t.Errorf("applied twice it changes %+v, %v (first %d changes)", second, err, len(d.Changes))
		}
		exported, err := plan.Of(&have).Resolve()
		if err != nil {
			t.Fatalf("its export does not resolve: %v", err)
		}
		if third, err := exported.Against(have); err != nil || len(third.Changes) != 0 {
			t.Errorf("its export changes %+v, %v", third, err)
		}
		one, _ := json.Marshal(w)
		two, _ := json.Marshal(again)
		if !bytes.Equal(one, two) {
			t.Errorf("resolved twice it differs:\n%s\n%s", one, two)
		}
	})
}
