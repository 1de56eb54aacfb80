// Package racksim describes a rack of simulated machines and the seam between a
// machine and the BMC in front of it. It starts nothing: racksim/run does.
package racksim

import (
	"time"

	"rackwright/racksim/faults"
)

// Rack is one rack file: machines, what their NICs are connected to and the interface
// their BMCs answer on.
type Rack struct {
	Name     string        `yaml:"rack"`
	Site     string        `yaml:"site"`
	Units    int           `yaml:"units"`    // height of the rack in U, default 42
	Bridge   Bridge        `yaml:"bridge"`   // needed when a qemu machine has a NIC
	Relay    Relay         `yaml:"relay"`    // needed when a scripted machine has a NIC
	OOB      OOB           `yaml:"oob"`      // where BMC addresses live
	Delay    time.Duration `yaml:"delay"`    // of every stage of a scripted machine that names none
	Machines []Machine     `yaml:"machines"` // in file order
}

// Bridge is the Linux bridge that every qemu machine's tap joins; it must exist.
type Bridge struct {
	Name string `yaml:"name"`
}

// Relay is the DHCP relay (RFC 2131 section 4.1) through which all scripted machines
// speak: they have no interface of their own.
type Relay struct {
	Listen    string `yaml:"listen"`    // address of this host on the provisioning network; answers come to its port 67
	Server    string `yaml:"server"`    // address of the DHCP server
	Interface string `yaml:"interface"` // that the addresses machines are given are added to while the rack runs, "" for none
}

// OOB is the interface BMC addresses are added to while the rack runs. With no
// interface the addresses must be local already (loopback, for instance).
type OOB struct {
	Interface string `yaml:"interface"`
	Prefix    int    `yaml:"prefix"` // 0: the prefix of the network the interface is in already, else a host address
}

// Machine is one simulated server and the BMC in front of it.
type Machine struct {
	Name     string   `yaml:"name"`
	Rack     string   `yaml:"rack"`   // default: the file's
	U        int      `yaml:"u"`      // lowest unit it fills, from 1
	Height   int      `yaml:"height"` // in units, default 1
	Kind     string   `yaml:"kind"`
	Arch     string   `yaml:"arch"` // amd64 or arm64
	Firmware string   `yaml:"firmware"`
	Memory   int      `yaml:"memory"` // MiB
	CPUs     int      `yaml:"cpus"`
	Serial   string   `yaml:"serial"` // SMBIOS type 1 and Redfish SerialNumber
	UUID     string   `yaml:"uuid"`
	Vendor   string   `yaml:"vendor"`
	Model    string   `yaml:"model"`
	SKU      string   `yaml:"sku"`
	NICs     []NIC    `yaml:"nics"`
	Disks    []Disk   `yaml:"disks"`
	Boot     []string `yaml:"boot"`        // standing order of device classes: network, disk
	IPv6     bool     `yaml:"ipv6"`        // UEFI firmware also netboots over IPv6; without a server that costs a minute a boot
	NoIPv4   bool     `yaml:"no_ipv4"`     // UEFI firmware does not netboot over IPv4
	HTTP     bool     `yaml:"http_boot"`   // UEFI firmware netboots by HTTP and not by PXE
	HTTPSCA  string   `yaml:"https_ca"`    // PEM file of the authorities that UEFI firmware trusts, read when it starts; qemu on amd64 only
	Secure   bool     `yaml:"secure_boot"` // UEFI firmware starts only what is signed for Microsoft's keys; qemu on amd64 only
	Power    string   `yaml:"power"`       // on or off when the rack starts
	BMC      BMC      `yaml:"bmc"`

	// What the BMC tells beside, and nothing simulates.
	AssetTag   string            `yaml:"asset_tag"`
	DIMMs      []DIMM            `yaml:"dimms"`      // default: one with all the memory
	PSUs       []PSU             `yaml:"psus"`       // default: two that are fed
	Fans       []Fan             `yaml:"fans"`       // default: two that turn
	Versions   map[string]string `yaml:"versions"`   // firmware by id in the inventory; bios and bmc are the system's and the BMC's own
	Attributes map[string]string `yaml:"attributes"` // BIOS attributes

	// Of scripted machines only.
	Delay time.Duration `yaml:"delay"` // before each stage
	Fault string        `yaml:"fault"` // what goes wrong, "" for nothing
	Keep  bool          `yaml:"keep"`  // write images to the disk files instead of dropping what was proven
}

// NIC is one network port. Network and the addresses are not used here: they are
// passed through into the rack plan.
type NIC struct {
	Name    string `yaml:"name"` // default nic1, nic2, ...
	MAC     string `yaml:"mac"`
	Model   string `yaml:"model"`
	Boot    *bool  `yaml:"boot"` // firmware may boot from it; default: the first NIC only
	Network string `yaml:"network"`
	Address string `yaml:"address"`
	IPv6    string `yaml:"address6"`
	Switch  string `yaml:"switch"` // name of the switch it is cabled to: announced by LLDP on the port
	Port    string `yaml:"port"`   // that switch's port
}

// Boots reports whether firmware may boot from the NIC.
func (n NIC) Boots() bool { return n.Boot != nil && *n.Boot }

// Disk is one drive, a sparse file in the state directory.
type Disk struct {
	Name   string `yaml:"name"` // default disk1, disk2, ...
	Size   Size   `yaml:"size"`
	Serial string `yaml:"serial"` // as the guest sees it, at most 20 characters
	WWN    string `yaml:"wwn"`    // "0x" and 16 hex digits; ahci and scsi only
	Bus    string `yaml:"bus"`
	Root   bool   `yaml:"root"` // the plan names it as the root disk, default the first; with two, none: they are a mirror

	Holds []string `yaml:"holds"` // signatures on it at first, as the agent tells them; scripted machines only
}

// BMC is the management controller's address and first account.
type BMC struct {
	Address  string `yaml:"address"` // IP or IP:port, port 443 if left out
	Username string `yaml:"username"`
	Password string `yaml:"password"` // left out: made at random and kept in the state directory
	MAC      string `yaml:"mac"`

	Expired bool          `yaml:"expired"`      // the first account's password must be changed before it can do anything else
	Lockout int           `yaml:"lockout"`      // wrong passwords in a row that lock an account; 0: none do
	Restart time.Duration `yaml:"restart"`      // how long the BMC is away when it restarts, default 3s
	Console int           `yaml:"console_port"` // on which it shows the serial console over SSH; 0: it does not
	Clock   time.Duration `yaml:"clock"`        // how far its clock is ahead, until it is set or follows NTP

	Mockup  string         `yaml:"mockup"`  // tree of a machine of kind mockup: a vendor's name, a folder or a file
	Latency time.Duration  `yaml:"latency"` // of every answer
	Faults  []faults.Fault `yaml:"faults"`  // what goes wrong
}

// Kinds of machine.
const (
	KindQEMU     = "qemu"     // real firmware in a virtual machine
	KindScripted = "scripted" // a goroutine that speaks the protocols of a booting machine
	KindMockup   = "mockup"   // none: a BMC alone, that answers from recorded resources
)

// Architectures, as Go names them.
const (
	AMD64 = "amd64"
	ARM64 = "arm64"
)

// Kinds of firmware.
const (
	BIOS = "bios" // SeaBIOS, iPXE option ROM
	UEFI = "uefi" // OVMF, on arm64 its sister AAVMF
)

// Faults a scripted machine can be asked for.
const (
	FaultNoDHCP      = "no-dhcp"       // its cable is out: it is never heard of
	FaultAgentSilent = "agent-silent"  // its agent checks in and is not heard of again
	FaultNoPhoneHome = "no-phone-home" // its system starts and does not phone home
	FaultWrongDisk   = "wrong-disk"    // its disks have other serial numbers than planned
	FaultSlowDisk    = "slow-disk"     // under burn-in its first disk reads slowly
	FaultBadMemory   = "bad-memory"    // under burn-in its memory has errors that ECC corrects
	FaultRestarts    = "restarts"      // it restarts by itself in the middle of a burn-in
)

// Faults lists them.
func Faults() []string {
	return []string{FaultNoDHCP, FaultAgentSilent, FaultNoPhoneHome, FaultWrongDisk, FaultSlowDisk, FaultBadMemory, FaultRestarts}
}

// Classes of boot device, as written in Machine.Boot.
const (
	ClassNetwork = "network"
	ClassDisk    = "disk"
)

// Media is the device name of the virtual CD drive in a boot order.
const Media = "cd"

// BootDevices returns the machine's standing boot order as device names: the
// NICs that may boot and the disks, class by class, then the virtual CD drive.
func (m Machine) BootDevices() []string {
	var order []string
	for _, class := range m.Boot {
		switch class {
		case ClassNetwork:
			for _, n := range m.NICs {
				if n.Boots() {
					order = append(order, n.Name)
				}
			}
		case ClassDisk:
			for _, d := range m.Disks {
				order = append(order, d.Name)
			}
		}
	}
	return append(order, Media)
}
