package inventory

import "time"

// Facts are the parts of a machine as observed, by the agent inside it or by its BMC;
// both fill the same shape, each what it can see.
type Facts struct {
	Source    string            `json:"source" enum:"agent,redfish,ipmi"`
	Observed  time.Time         `json:"observed_at"`
	Firmware  Firmware          `json:"firmware,omitempty" enum:"bios,uefi" doc:"How the machine booted"`
	System    System            `json:"system"`
	CPUs      []CPU             `json:"cpus,omitempty" nullable:"false"`
	DIMMs     []DIMM            `json:"dimms,omitempty" nullable:"false"`
	MemoryMiB int64             `json:"memory_mib,omitempty"`
	Disks     []Disk            `json:"disks,omitempty" nullable:"false"`
	NICs      []SeenNIC         `json:"nics,omitempty" nullable:"false"`
	BMCs      []MAC             `json:"bmc_macs,omitempty" nullable:"false" doc:"Of the management controller's own ports, as it tells them itself"`
	LLDP      []Neighbor        `json:"lldp,omitempty" nullable:"false"`
	PSUs      []PSU             `json:"psus,omitempty" nullable:"false"`
	Versions  []Version         `json:"firmware_versions,omitempty" nullable:"false"`
	BIOS      map[string]string `json:"bios,omitempty" doc:"BIOS attributes"`
	PCI       []PCIDevice       `json:"pci,omitempty" nullable:"false"`
	BMC       *Controller       `json:"bmc,omitempty"`
	Memory    *MemoryErrors     `json:"memory_errors,omitempty"`
	Unbound   []string          `json:"unbound_pci,omitempty" nullable:"false" doc:"PCI ids vendor:device of network and storage controllers without a driver"`
}

// System is what SMBIOS types 0 to 3 or the Redfish ComputerSystem say.
type System struct {
	Vendor      string `json:"vendor,omitempty"`
	Product     string `json:"product,omitempty"`
	Serial      string `json:"serial,omitempty"`
	UUID        string `json:"uuid,omitempty"`
	BIOSVersion string `json:"bios_version,omitempty"`
	AssetTag    string `json:"asset_tag,omitempty"`
}

// CPU is a populated socket.
type CPU struct {
	Socket  string `json:"socket" yaml:"socket"`
	Model   string `json:"model,omitempty" yaml:"model,omitempty"`
	Cores   int    `json:"cores,omitempty" yaml:"cores,omitempty"`
	Threads int    `json:"threads,omitempty" yaml:"threads,omitempty"`
}

// DIMM is a memory slot with a module in it.
type DIMM struct {
	Slot     string `json:"slot" yaml:"slot"`
	SizeMiB  int64  `json:"size_mib" yaml:"size_mib"`
	SpeedMTs int    `json:"speed_mts,omitempty" yaml:"speed_mts,omitempty"`
	Vendor   string `json:"vendor,omitempty" yaml:"vendor,omitempty"`
	Part     string `json:"part,omitempty" yaml:"part,omitempty"`
	Serial   string `json:"serial,omitempty" yaml:"serial,omitempty"`
}

// Disk is a block device that could hold a system.
type Disk struct {
	Path       string `json:"path,omitempty" yaml:"-" doc:"Device node, e.g. /dev/vda; never an identity"`
	Serial     string `json:"serial,omitempty" yaml:"serial,omitempty"`
	WWN        string `json:"wwn,omitempty" yaml:"wwn,omitempty"`
	Model      string `json:"model,omitempty" yaml:"model,omitempty"`
	Bytes      int64  `json:"bytes" yaml:"bytes"`
	Type       string `json:"type,omitempty" yaml:"type,omitempty" enum:"nvme,ssd,hdd,virtual" doc:"nvme, ssd, hdd or virtual"`
	BlockBytes int    `json:"block_bytes,omitempty" yaml:"block_bytes,omitempty" doc:"Logical block size"`
	Bay        string `json:"bay,omitempty" yaml:"bay,omitempty"`
	ReadOnly   bool   `json:"read_only,omitempty" yaml:"-"`

	BusPath    string     `json:"bus_path,omitempty" yaml:"-" doc:"Where it is connected, e.g. pci-0000:00:1f.2-ata-1"`
	Rotational bool       `json:"rotational,omitempty" yaml:"-" doc:"It has platters that turn"`
	Holds      []string   `json:"holds,omitempty" yaml:"-" nullable:"false" doc:"Signatures of what is on it, e.g. GPT with 3 partitions"`
	Owner      *DiskOwner `json:"owner,omitempty" yaml:"-" doc:"What the record of our own deployment on it says"`

	Firmware string      `json:"firmware,omitempty" yaml:"-" doc:"Version of its own firmware"`
	Health   *DiskHealth `json:"health,omitempty" yaml:"-"`
}

// SeenNIC is a network port as observed.
type SeenNIC struct {
	Name     string `json:"name" doc:"Kernel's name, or the BMC's id"`
	MAC      MAC    `json:"mac"`
	Driver   string `json:"driver,omitempty"`
	Mbps     int    `json:"mbps,omitempty" doc:"Link speed; 0 without link"`
	Link     bool   `json:"link"`
	Firmware string `json:"firmware,omitempty" doc:"Version of its own firmware"`
	PCI      string `json:"pci,omitempty" doc:"PCI address"`
}

// Neighbor is what a switch said of itself on a port (LLDP, IEEE 802.1AB).
type Neighbor struct {
	NIC     string `json:"nic"`
	Chassis string `json:"chassis"`
	Port    string `json:"port"`
	System  string `json:"system,omitempty"`
}
