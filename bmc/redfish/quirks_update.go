package redfish

import "strings"

// updateTraits are the differences in updates, logs and events that our calls need to
// know beforehand; quirks.go has the table.
type updateTraits struct {
	notPush         string // push URIs that begin so are no Redfish push
	updateState     bool   // an update without a task shows in the UpdateService (Oem.Hpe.State)
	targetResource  bool   // a push targets the BIOS or the manager, not the inventory item
	targetManager   bool   // a push without targets is refused: the manager takes the image
	monitorForgets  bool   // reading the monitor of a finished task deletes the task
	eventTypesFirst bool   // a subscription without EventTypes is refused or hears nothing
}

// updateQuirks are rows of the table in quirks.go.
func updateQuirks() []quirk {
	return []quirk{
		{
			name: "cgi-upload", vendor: "HPE",
			apply:  func(t *traits) { t.notPush = "/cgi-bin/" },
			source: "iLO5 and iLO6 announce /cgi-bin/uploadFile, which wants a form of their own: HPE, Updating firmware via the Redfish API",
		},
		{
			name: "update-state", vendor: "HPE",
			apply:  func(t *traits) { t.updateState = true },
			source: "iLO5 before 2.30 makes no task of an update: proliantutils, redfish/resources/update_service.py; sushy note on the missing task monitor",
		},
		{
			name: "target-resource", vendor: "Supermicro",
			apply:  func(t *traits) { t.targetResource = true },
			source: "Supermicro takes /Systems/1/Bios and /Managers/1 for Targets of a multipart push: bmclib, providers/supermicro/x12.go",
		},
		{
			name: "target-manager", manager: "OpenBmc",
			apply:  func(t *traits) { t.targetManager = true },
			source: "bmcweb wants exactly one target: openbmc/bmcweb, redfish-core/lib/update_service.hpp (extractMultipartUpdateParameters)",
		},
		{
			name: "monitor-forgets", vendor: "Lenovo",
			apply:  func(t *traits) { t.monitorForgets = true },
			source: "XCC deletes a finished task when its monitor is read: bmclib, providers/lenovo",
		},
		{
			name: "event-types", vendor: "Dell",
			apply:  func(t *traits) { t.eventTypesFirst = true },
			source: "iDRAC refuses a subscription without EventTypes: dell/iDRAC-Redfish-Scripting, SubscriptionManagementREDFISH.py",
		},
	}
}

// noisyLog reports whether a log is no list of events: dumps, the lines of a boot, the
// journal of the BMC's own system. The ids are OpenBMC's (bmcweb, redfish-core/lib/log_services.hpp)
// and Dell's list of faults, which repeats the Lifecycle log.
func noisyLog(id string) bool {
	for _, not := range []string{"dump", "crashdump", "faultlog", "faultlist", "hostlogger", "journal", "postcodes", "debug", "telemetry"} {
		if strings.EqualFold(id, not) {
			return true
		}
	}
	return false
}
