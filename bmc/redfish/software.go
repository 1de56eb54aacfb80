package redfish

import (
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/inventory"
)

// maxSoftware is how many items of the firmware inventory we read: a request each. A
// full PowerEdge lists about 80 with what was installed before.
const maxSoftware = 200

// software is what we use of the SoftwareInventory schema.
type software struct {
	resource
	Version     string
	Status      wellness
	Updateable  bool
	RelatedItem []link
}

// versions lists the firmware that runs: the BIOS as the system says, the BMC as its
// manager says, and the rest of the firmware inventory under the ids there.
func versions(client schemas.Client, root link, s *system, ofBMC string) ([]inventory.Version, error) {
	var out []inventory.Version
	add := func(component, version string) {
		known := slices.ContainsFunc(out, func(v inventory.Version) bool { return v.Component == component })
		if component != "" && version != "" && !known {
			out = append(out, inventory.Version{Component: component, Version: version})
		}
	}
	add("bios", tidy(s.BiosVersion))
	add("bmc", ofBMC)
	if root.URI == "" {
		return out, nil
	}
	service, err := get[updater](client, root.URI)
	if err != nil || service.FirmwareInventory.URI == "" {
		return out, err
	}
	all, err := members[software](client, service.FirmwareInventory.URI, maxSoftware)
	for _, item := range all {
		if item.runs() {
			add(item.component(), tidy(item.Version))
		}
	}
	slices.SortFunc(out, func(a, b inventory.Version) int { return strings.Compare(a.Component, b.Component) })
	return out, err
}

// runs leaves out what is not in use: Dell lists firmware installed before and firmware
// that waits, others a second bank.
func (s software) runs() bool {
	switch schemas.State(s.Status.State) {
	case schemas.AbsentState, schemas.DisabledState, schemas.StandbySpareState, schemas.StandbyOfflineState, schemas.UpdatingState:
		return false
	}
	for _, not := range []string{"Previous-", "Available-", "Current-"} { // Current: Dell's second view of Installed
		if strings.HasPrefix(s.ID, not) {
			return false
		}
	}
	name := strings.ToLower(s.ID + " " + s.Name)
	return !slices.ContainsFunc([]string{"backup", "redundant", "pending", "golden"}, func(not string) bool { return strings.Contains(name, not) })
}

// component is bios, bmc or the id: without the version that Dell writes into it
// (Installed-101548-22.31.6__NIC.Slot.3-1), and the name where ids are mere numbers (HPE).
func (s software) component() string {
	if _, location, found := strings.Cut(s.ID, "__"); found && strings.HasPrefix(s.ID, "Installed-") {
		s.ID = location
	}
	id, name := strings.ToLower(tidy(s.ID)), strings.ToLower(tidy(s.Name))
	for _, item := range s.RelatedItem {
		switch {
		case strings.HasSuffix(strings.TrimSuffix(item.URI, "/"), "/Bios"):
			return "bios"
		case strings.Contains(item.URI, "/Managers/") && len(s.RelatedItem) == 1:
			return "bmc"
		}
	}
	switch {
	case strings.HasPrefix(id, "bios") || id == "uefi" || strings.HasPrefix(id, "uefi-") || name == "system rom" || name == "bios":
		return "bios"
	case id == "bmc" || strings.HasPrefix(id, "bmc-") || strings.HasPrefix(id, "idrac.") || strings.HasPrefix(name, "ilo "):
		return "bmc"
	case strings.Trim(id, "0123456789") == "":
		return tidy(s.Name)
	}
	return tidy(s.ID)
}
