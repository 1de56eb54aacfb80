package netbox

import "strings"

// Ref is how one object names another: NetBox's brief form.
type Ref struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
	VID  int    `json:"vid"` // of a VLAN
	// Device is there when the object is a part of one.
	Device *Ref `json:"device"`
}

// The objects, with the fields that a plan can hold. Fields of old and new generations
// stand side by side; each answer fills its own.
type (
	// Site is a place (dcim/sites).
	Site struct{ Ref }

	// Location is a part of a site (dcim/locations).
	Location struct {
		Ref
		Parent *Ref `json:"parent"`
	}

	// Rack is a cabinet (dcim/racks).
	Rack struct {
		Ref
		Site          *Ref    `json:"site"`
		Location      *Ref    `json:"location"`
		Tenant        *Ref    `json:"tenant"`
		Role          *Ref    `json:"role"`
		Status        Choice  `json:"status"`
		FacilityID    *string `json:"facility_id"`
		Serial        string  `json:"serial"`
		AssetTag      *string `json:"asset_tag"`
		UHeight       Number  `json:"u_height"`
		StartingUnit  int     `json:"starting_unit"`
		DescUnits     bool    `json:"desc_units"`
		MountingDepth Number  `json:"mounting_depth"` // millimetres
		MaxWeight     Number  `json:"max_weight"`
		WeightUnit    Choice  `json:"weight_unit"`
		Tags          []Ref   `json:"tags"`
	}

	// Reservation keeps units free (dcim/rack-reservations).
	Reservation struct {
		ID          int64  `json:"id"`
		Rack        *Ref   `json:"rack"`
		Units       []int  `json:"units"`
		Tenant      *Ref   `json:"tenant"`
		Description string `json:"description"`
	}

	// PowerFeed is a supply of a rack (dcim/power-feeds).
	PowerFeed struct {
		Ref
		Rack     *Ref   `json:"rack"`
		Status   Choice `json:"status"`
		Supply   Choice `json:"supply"`
		Phase    Choice `json:"phase"`
		Voltage  Number `json:"voltage"`
		Amperage Number `json:"amperage"`
	}

	// DeviceType is a model (dcim/device-types).
	DeviceType struct {
		Ref
		Manufacturer *Ref   `json:"manufacturer"`
		Model        string `json:"model"`
		UHeight      Number `json:"u_height"`
		FullDepth    bool   `json:"is_full_depth"`
		Subdevice    Choice `json:"subdevice_role"`
		Airflow      Choice `json:"airflow"`
		Weight       Number `json:"weight"`
		WeightUnit   Choice `json:"weight_unit"`
	}

	// Device is a thing in a rack (dcim/devices).
	Device struct {
		Ref
		Type     *Ref    `json:"device_type"`
		Role     *Ref    `json:"role"`        // since 3.6
		OldRole  *Ref    `json:"device_role"` // until 4.0
		Tenant   *Ref    `json:"tenant"`
		Platform *Ref    `json:"platform"`
		Serial   string  `json:"serial"`
		AssetTag *string `json:"asset_tag"`
		Site     *Ref    `json:"site"`
		Rack     *Ref    `json:"rack"`
		Position Number  `json:"position"`
		Face     Choice  `json:"face"`
		Status   Choice  `json:"status"`
		Airflow  Choice  `json:"airflow"`
		OOB      *Addr   `json:"oob_ip"` // since 3.6
		Tags     []Ref   `json:"tags"`
	}

	// Addr is the brief form of an address.
	Addr struct {
		ID      int64  `json:"id"`
		Address string `json:"address"`
	}

	// DeviceBay is a bay of a chassis (dcim/device-bays).
	DeviceBay struct {
		Ref
		Installed *Ref `json:"installed_device"`
	}

	// Interface is a network port (dcim/interfaces).
	Interface struct {
		Ref
		Type         Choice   `json:"type"`
		MgmtOnly     bool     `json:"mgmt_only"`
		LAG          *Ref     `json:"lag"`
		MAC          *string  `json:"mac_address"`
		PrimaryMAC   *HasMAC  `json:"primary_mac_address"` // since 4.2
		MACs         []HasMAC `json:"mac_addresses"`       // since 4.2
		Connected    []Ref    `json:"connected_endpoints"` // since 3.3
		OldConnected *Ref     `json:"connected_endpoint"`
		ConnectedTo  string   `json:"connected_endpoints_type"`
		OldTo        string   `json:"connected_endpoint_type"`
	}

	// HasMAC is the brief form of a MAC address.
	HasMAC struct {
		MAC string `json:"mac_address"`
	}

	// PowerPort is an inlet (dcim/power-ports).
	PowerPort struct {
		Ref
		Type Choice `json:"type"`
	}

	// PowerOutlet is an outlet (dcim/power-outlets).
	PowerOutlet struct {
		Ref
		Type Choice `json:"type"`
	}

	// Cable joins two ends (dcim/cables). Until 3.3 each end is one object.
	Cable struct {
		ID         int64  `json:"id"`
		Type       Choice `json:"type"`
		Status     Choice `json:"status"`
		Label      string `json:"label"`
		Length     Number `json:"length"`
		LengthUnit Choice `json:"length_unit"`
		A          []End  `json:"a_terminations"`
		B          []End  `json:"b_terminations"`
		OldAType   string `json:"termination_a_type"`
		OldA       int64  `json:"termination_a_id"`
		OldBType   string `json:"termination_b_type"`
		OldB       int64  `json:"termination_b_id"`
	}

	// End is an end of a cable.
	End struct {
		Type string `json:"object_type"`
		ID   int64  `json:"object_id"`
	}

	// Prefix is a subnet (ipam/prefixes). Until 4.2 it has a site, since then a scope.
	Prefix struct {
		ID        int64  `json:"id"`
		Prefix    string `json:"prefix"`
		Status    Choice `json:"status"`
		Site      *Ref   `json:"site"`
		ScopeType string `json:"scope_type"`
		Scope     *Ref   `json:"scope"`
		VRF       *Ref   `json:"vrf"`
		VLAN      *Ref   `json:"vlan"`
		Role      *Ref   `json:"role"`
	}

	// Address is an IP address (ipam/ip-addresses).
	Address struct {
		ID         int64  `json:"id"`
		Address    string `json:"address"`
		VRF        *Ref   `json:"vrf"`
		Status     Choice `json:"status"`
		AssignedTo string `json:"assigned_object_type"`
		AssignedID int64  `json:"assigned_object_id"`
	}
)

// ends gives both ends in either generation's form.
func (c *Cable) ends() (a, b []End) {
	if c.OldAType != "" || c.OldBType != "" {
		return []End{{c.OldAType, c.OldA}}, []End{{c.OldBType, c.OldB}}
	}
	return c.A, c.B
}

// mac is the address of the port, "" for none.
func (i *Interface) mac() string {
	switch {
	case i.MAC != nil && *i.MAC != "":
		return strings.ToLower(*i.MAC)
	case i.PrimaryMAC != nil:
		return strings.ToLower(i.PrimaryMAC.MAC)
	case len(i.MACs) > 0:
		return strings.ToLower(i.MACs[0].MAC)
	}
	return ""
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// slug is the name of a reference for labels, "" for none.
func (r *Ref) slug() string {
	if r == nil {
		return ""
	}
	return r.Slug
}

func (r *Ref) id() int64 {
	if r == nil {
		return 0
	}
	return r.ID
}
