package lab

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"rackwright/inventory"
)

// Node is one machine of the lab's rack.
type Node struct {
	Name     string
	Firmware inventory.Firmware
	Arch     string   // amd64 when nothing is said
	Disks    []string // YAML flow maps; the root disk is the one marked so, else the first
	Boot     string   // standing boot order, a YAML flow list
	Power    string   // at start, off when empty
	Memory   int      // MiB, 1024 when nothing is said
	Secure   bool     // its firmware has Secure Boot on
	IPv6     bool     // UEFI firmware netboots over IPv6 and not over IPv4
	HTTP     bool     // UEFI firmware netboots by HTTP and not by PXE
	HTTPSCA  string   // PEM file of the authority that UEFI firmware trusts
	Ports    int      // NICs, 1 when nothing is said; it netboots from the first, the others have no network
}

// Nodes are the machines of the demo: one of each firmware.
func Nodes() []Node {
	return []Node{
		{Name: "node1", Firmware: inventory.BIOS, Disks: []string{"{size: 3GiB, serial: RWDISK0001, bus: virtio}"}},
		{Name: "node2", Firmware: inventory.UEFI, Disks: []string{"{size: 3GiB, serial: RWDISK0002, bus: virtio}"}},
	}
}

var serial = regexp.MustCompile(`serial: ([A-Z0-9]+)`)

// Root is the serial number of the root disk.
func (n Node) Root() string {
	root := n.Disks[0]
	for _, d := range n.Disks {
		if strings.Contains(d, "root: true") {
			root = d
		}
	}
	if m := serial.FindStringSubmatch(root); m != nil {
		return m[1]
	}
	return ""
}

// RackFile is the rack file of some nodes, powered off, each with its reserved address.
func RackFile(nodes []Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "rack: r1\nsite: lab\nbridge: {name: %s}\noob: {interface: %s}\nmachines:\n", Bridge, OOB)
	for i, n := range nodes {
		fmt.Fprintf(&b, `  - name: %s
    u: %d
    kind: qemu
    arch: %s
    firmware: %s
    ipv6: %t
    no_ipv4: %t
    http_boot: %t
    https_ca: "%s"
    memory: %d
    secure_boot: %t
    serial: RWSIM%04d
    boot: %s
    power: "%s"
    nics: [%s]
    disks: [%s]
    bmc: {address: 10.78.0.%d, username: admin}
`, n.Name, 10+i, cmp.Or(n.Arch, "amd64"), n.Firmware, n.IPv6, n.IPv6, n.HTTP, n.HTTPSCA, cmp.Or(n.Memory, 1024), n.Secure, i+1, orDefault(n.Boot, "[network, disk]"), orDefault(n.Power, "off"), n.nics(i), strings.Join(n.Disks, ", "), 11+i)
	}
	return b.String()
}

// nics are the ports of the node that is number i, from 0.
func (n Node) nics(i int) string {
	list := fmt.Sprintf(`{mac: "52:54:00:77:00:%02x", network: provision, address: 10.77.0.%d, address6: "fd77::%d", switch: leaf-1, port: Ethernet%d}`, i+1, 11+i, 11+i, i+1)
	for p := 1; p < n.Ports; p++ {
		list += fmt.Sprintf(`, {mac: "52:54:00:77:%02x:%02x"}`, p, i+1)
	}
	return list
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
