package inventory

// Device is gear that is not provisioned but takes a place, feeds or connects: a switch,
// a PDU, a chassis, a panel. Its name is unique among devices and machines.
type Device struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Kind     Kind              `json:"kind" enum:"switch,pdu,chassis,panel,other"`
	Slot     *Slot             `json:"slot,omitempty"`
	Model    string            `json:"model,omitempty"`
	Serial   string            `json:"serial,omitempty"`
	AssetTag string            `json:"asset_tag,omitempty"`
	Feed     string            `json:"feed,omitempty" doc:"Of a PDU: the feed of its rack that it hangs on"`
	LLDP     string            `json:"lldp,omitempty" doc:"Of a switch: the system name it announces; absent: its name"`
	RemoteID string            `json:"remote_id,omitempty" doc:"Of a switch: what DHCP relays write for it (option 82 remote id); absent: anything"`
	Ports    []Port            `json:"ports,omitempty" nullable:"false" doc:"Of a switch, or the outlets of a PDU"`
	PSUs     []PSU             `json:"psus,omitempty" nullable:"false"`
	Bays     []string          `json:"bays,omitempty" nullable:"false" doc:"Of a chassis"`
	Labels   map[string]string `json:"labels,omitempty"`
	Tags     []string          `json:"tags,omitempty" nullable:"false"`
	Version  int64             `json:"version"`
}

// Port is a switch's port or a PDU's outlet. In a plan "1-48" stands for 48 ports.
type Port struct {
	Name      string    `json:"name" yaml:"name" doc:"As LLDP and the faceplate say it; in a plan also a range, e.g. Ethernet1-48"`
	Connector Connector `json:"connector,omitempty" yaml:"connector,omitempty" enum:"rj45,sfp,qsfp,osfp,c13,c19" doc:"rj45, sfp, qsfp, osfp; c13 or c19 for an outlet"`
	Circuit   string    `json:"circuit,omitempty" yaml:"circuit,omitempty" doc:"What DHCP relays write for the port (option 82 circuit id); {port} stands for its name"`
	Cable     *Cable    `json:"cable,omitempty" yaml:"cable,omitempty" doc:"Only a cable that is planned from this end, e.g. an uplink"`
}

// System is the name the device has on the wire.
func (d *Device) System() string {
	if d.LLDP != "" {
		return d.LLDP
	}
	return d.Name
}
