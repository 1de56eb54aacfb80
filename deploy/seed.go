package deploy

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"rackwright/inventory"
)

// Seed is the first-boot configuration of a deployment as files: on a small partition of
// that label, and placed into file systems of the image. Everything we render is JSON,
// which is YAML too.
type Seed struct {
	Label  string
	Files  []SeedFile
	Placed []PlacedFile
}

// SeedFile is a file of the seed's partition; Name may have directories (a/b).
type SeedFile struct{ Name, Content string }

// PlacedFile is a file that goes into a file system of the image.
type PlacedFile struct{ Label, Path, Content string }

// File returns the content of a file of the seed's partition, "" when there is none.
func (s Seed) File(name string) string {
	for _, f := range s.Files {
		if f.Name == name {
			return f.Content
		}
	}
	return ""
}

// NewSeed renders the first-boot configuration of a machine: instance id and host name,
// SSH keys for the default user, the planned addresses, and the order to phone home.
// User-data is passed on as it was given.
func NewSeed(op *Operation, m *inventory.Machine, networks []inventory.Network, phoneHome string) Seed {
	meta := map[string]any{"instance-id": op.ID, "local-hostname": m.Name}
	if len(op.Order.SSHKeys) > 0 {
		meta["public-keys"] = op.Order.SSHKeys
	}
	vendor := map[string]any{"phone_home": map[string]any{"url": phoneHome, "post": []string{"instance_id", "hostname"}, "tries": 100}}
	user := op.Order.UserData
	if user == "" {
		user = "#cloud-config\n{}\n"
	}
	return Seed{Label: "CIDATA", Files: []SeedFile{{"meta-data", render(meta)}, {"user-data", user},
		{"vendor-data", "#cloud-config\n" + render(vendor)}, {"network-config", render(networkConfig(m, networks))}}}
}

func render(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("deploy: a seed of plain maps does not encode: " + err.Error())
	}
	return string(b) + "\n"
}

// networkConfig is cloud-init's network configuration version 2. Ports are matched by
// MAC, because names differ between kernels. A port with an address gets it; a planned
// port without one asks by DHCP; the rest stay down.
func networkConfig(m *inventory.Machine, networks []inventory.Network) map[string]any {
	byName := map[string]inventory.Network{}
	for _, n := range networks {
		byName[n.Name] = n
	}
	ports := map[string]any{}
	routed := false
	for _, nic := range m.NICs {
		n, planned := byName[nic.Network]
		if !planned {
			continue
		}
		port := map[string]any{"match": map[string]any{"macaddress": nic.MAC.String()}, "set-name": nic.Name}
		if n.MTU > 0 {
			port["mtu"] = n.MTU
		}
		if nic.Address.IsValid() {
			static(port, nic, n, &routed)
		} else {
			port["dhcp4"] = true
		}
		ports[nic.Name] = port
	}
	return map[string]any{"version": 2, "ethernets": ports}
}

// static gives a port its reserved address; the first network with a gateway gets the
// default route.
func static(port map[string]any, nic inventory.NIC, n inventory.Network, routed *bool) {
	port["addresses"] = []string{fmt.Sprintf("%s/%d", nic.Address, n.Prefix.Bits())}
	if n.Gateway.IsValid() && !*routed {
		*routed = true
		port["routes"] = []map[string]string{{"to": "0.0.0.0/0", "via": n.Gateway.String()}}
	}
	if len(n.DNS) > 0 {
		servers := map[string]any{"addresses": texts(n.DNS)}
		if n.Domain != "" {
			servers["search"] = []string{n.Domain}
		}
		port["nameservers"] = servers
	}
}

func texts(list []netip.Addr) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}
