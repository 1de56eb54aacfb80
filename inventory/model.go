package inventory

// Kind is what sort of gear something is.
type Kind string

// The kinds. Only machines are provisioned.
const (
	KindMachine Kind = "machine"
	KindSwitch  Kind = "switch"
	KindPDU     Kind = "pdu"
	KindChassis Kind = "chassis" // holds nodes, which are machines
	KindPanel   Kind = "panel"   // patch panel, cable manager, blank
	KindOther   Kind = "other"
)

// Model is a kind of gear: what each one of it is like.
type Model struct {
	ID      string `json:"id"`
	Name    string `json:"name" doc:"What plans call it, e.g. dell-r660"`
	Version int64  `json:"version"`
	Build
}

// Build is what each thing of a model is like. A zero is unknown, and no rule that needs
// it applies.
type Build struct {
	Kind      Kind              `json:"kind,omitempty" yaml:"kind,omitempty" enum:"machine,switch,pdu,chassis,panel,other" doc:"machine (default), switch, pdu, chassis, panel or other"`
	Vendor    string            `json:"vendor,omitempty" yaml:"vendor,omitempty" doc:"As the hardware says it (SMBIOS, Redfish)"`
	Product   string            `json:"product,omitempty" yaml:"product,omitempty" doc:"As the hardware says it"`
	Height    int               `json:"height,omitempty" yaml:"height,omitempty" doc:"Units; default 1"`
	HalfWidth bool              `json:"half_width,omitempty" yaml:"half_width,omitempty"`
	FullDepth bool              `json:"full_depth,omitempty" yaml:"full_depth,omitempty" doc:"Nothing fits behind it"`
	DepthMM   int               `json:"depth_mm,omitempty" yaml:"depth_mm,omitempty"`
	WeightKG  float64           `json:"weight_kg,omitempty" yaml:"weight_kg,omitempty" doc:"With all its parts"`
	Watts     float64           `json:"watts,omitempty" yaml:"watts,omitempty" doc:"Highest draw of the whole, at the inlets"`
	Airflow   string            `json:"airflow,omitempty" yaml:"airflow,omitempty" enum:"front-to-rear,rear-to-front,side,passive" doc:"front-to-rear, rear-to-front, side or passive"`
	PSUs      []PSU             `json:"psus,omitempty" yaml:"psus,omitempty" nullable:"false" doc:"Power supplies; any one of several carries the whole"`
	Ports     []Port            `json:"ports,omitempty" yaml:"ports,omitempty" nullable:"false" doc:"Of a switch, or the outlets of a PDU"`
	Bays      []string          `json:"bays,omitempty" yaml:"bays,omitempty" nullable:"false" doc:"Of a chassis"`
	Parts     Parts             `json:"parts,omitzero" yaml:"parts,omitempty" doc:"What has to be in it"`
	Firmware  []Version         `json:"firmware,omitempty" yaml:"firmware,omitempty" nullable:"false" doc:"Baseline"`
	Options   []Option          `json:"options,omitempty" yaml:"options,omitempty" nullable:"false" doc:"DHCP options of its machines, in place of their network's of the same code"`
	Loader    string            `json:"loader,omitempty" yaml:"loader,omitempty" enum:"shim,ipxe-signed,snponly" doc:"What its machines load under UEFI: shim (shim and signed GRUB), ipxe-signed or snponly, from the server's folder of loaders; absent: the built-in iPXE, which Secure Boot refuses"`
	HTTPS     bool              `json:"https,omitempty" yaml:"https,omitempty" doc:"By HTTP boot its UEFI machines load the loader over HTTPS, from the server's boot.https_listen, whose authority their firmware holds or is given through the BMC"`
	Netboot   Netboot           `json:"netboot,omitempty" yaml:"netboot,omitempty" enum:"pxe,http" doc:"By which way the UEFI firmware of its machines netboots, so what operations set at the BMC: pxe or http (UEFI HTTP boot). Default: http with https, else pxe"`
	BIOS      map[string]string `json:"bios,omitempty" yaml:"bios,omitempty" doc:"BIOS attributes (DMTF AttributeRegistry) that must have these values"`
}

// Parts are components by location: those that a machine is to have, or has. An empty
// list says nothing.
type Parts struct {
	CPUs  []CPU  `json:"cpus,omitempty" yaml:"cpus,omitempty" nullable:"false"`
	DIMMs []DIMM `json:"dimms,omitempty" yaml:"dimms,omitempty" nullable:"false"`
	Disks []Disk `json:"disks,omitempty" yaml:"disks,omitempty" nullable:"false" doc:"bytes is the least size"`
	NICs  int    `json:"nics,omitempty" yaml:"nics,omitempty" doc:"How many network ports at least"`
}

// PSU is a power supply: its inlet where it is planned, its state where it is observed.
type PSU struct {
	Name      string    `json:"name" yaml:"name" doc:"Location, e.g. psu1"`
	Connector Connector `json:"connector,omitempty" yaml:"connector,omitempty" enum:"c14,c20" doc:"Inlet: c14 or c20"`
	Watts     float64   `json:"watts,omitempty" yaml:"watts,omitempty" doc:"Capacity"`
	Serial    string    `json:"serial,omitempty" yaml:"serial,omitempty"`
	Model     string    `json:"model,omitempty" yaml:"model,omitempty"`
	Input     string    `json:"input,omitempty" yaml:"-" enum:"ok,lost" doc:"Observed: whether it is fed; absent when not known"`
	Cable     *Cable    `json:"cable,omitempty" yaml:"cable,omitempty" doc:"To a PDU's outlet"`
}

// Version is the version of one piece of firmware.
type Version struct {
	Component string `json:"component" yaml:"component" doc:"bios, bmc, or the id in Redfish's FirmwareInventory"`
	Version   string `json:"version" yaml:"version"`
}
