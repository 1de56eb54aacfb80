// Package racksim describes a rack of simulated machines and the seam between a
// machine and the BMC in front of it. It starts nothing: racksim/run does.
package racksim

// Rack is one rack file: machines, the bridge their NICs join and the interface
// their BMCs answer on.
type Rack struct {
	Name     string    `yaml:"rack"`
	Site     string    `yaml:"site"`
	Units    int       `yaml:"units"`    // height of the rack in U, default 42
	Bridge   Bridge    `yaml:"bridge"`   // needed when any machine has a NIC
	OOB      OOB       `yaml:"oob"`      // where BMC addresses live
	Machines []Machine `yaml:"machines"` // in file order
}

// Bridge is the Linux bridge that every NIC's tap joins; it must exist.
type Bridge struct {
	Name string `yaml:"name"`
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
	U        int      `yaml:"u"`      // lowest unit it fills, from 1
	Height   int      `yaml:"height"` // in units, default 1
	Kind     string   `yaml:"kind"`
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
	Boot     []string `yaml:"boot"`  // standing order of device classes: network, disk
	Power    string   `yaml:"power"` // on or off when the rack starts
	BMC      BMC      `yaml:"bmc"`
}

// NIC is one network port. Network and Address are not used here: they are
// passed through into the rack plan.
type NIC struct {
	Name    string `yaml:"name"` // default nic1, nic2, ...
	MAC     string `yaml:"mac"`
	Model   string `yaml:"model"`
	Boot    *bool  `yaml:"boot"` // firmware may boot from it; default: the first NIC only
	Network string `yaml:"network"`
	Address string `yaml:"address"`
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
}

// BMC is the management controller's address and first account.
type BMC struct {
	Address  string `yaml:"address"` // IP or IP:port, port 443 if left out
	Username string `yaml:"username"`
	Password string `yaml:"password"` // left out: made at random and kept in the state directory
	MAC      string `yaml:"mac"`
}

// Kinds of machine.
const (
	KindQEMU     = "qemu"     // real firmware in a virtual machine
	KindScripted = "scripted" // a goroutine that speaks the protocols of a booting machine
)

// Kinds of firmware.
const (
	BIOS = "bios" // SeaBIOS, iPXE option ROM
	UEFI = "uefi" // OVMF
)

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
