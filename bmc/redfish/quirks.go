package redfish

import (
	"slices"
	"strings"
)

// identity is what a quirk is keyed by.
type identity struct {
	Vendor   string // of the service, else of the system
	Model    string // of the system
	Manager  string // model of the BMC itself, like "17G Monolithic"
	Firmware string // version of the BMC
}

// traits are the differences our calls need to know beforehand. Whatever can be found
// out from an answer (missing modes, weak tags, full session tables) is no trait.
type traits struct {
	names          []string // of the quirks that apply, for the log
	settingsFirst  bool     // boot overrides go to the Settings resource
	modeWithTarget bool     // an override without a mode falls back to Legacy
	usbCD          bool     // the virtual CD is the boot source UsbCd, and Cd another drive
	attributeCD    bool     // the virtual CD is booted through the BMC's own attributes
	onceOnly       bool     // overrides do not last, whatever is answered
	jobAfterStage  bool     // staged settings wait for a job
	notDrives      string   // virtual drives whose id begins so take no URL
	updateTraits
	custodyTraits
}

// quirk is one row: whom it is about, what it changes, who says so. A key matches when
// it is a prefix in any case; an empty key matches all.
type quirk struct {
	name                             string
	vendor, model, manager, firmware string
	apply                            func(*traits)
	source                           string
}

func quirks() []quirk {
	return []quirk{
		{
			name: "settings-first", vendor: "Dell", manager: "17G",
			apply:  func(t *traits) { t.settingsFirst = true },
			source: "iDRAC10 takes boot overrides in Settings only: sushy release note idrac10-settings; dell/iDRAC-Redfish-Scripting #324",
		},
		{
			name: "mode-with-target", vendor: "Supermicro",
			apply:  func(t *traits) { t.modeWithTarget = true },
			source: "Supermicro resets the mode when only the target is written: OpenStack Ironic, drivers/modules/redfish/management.py",
		},
		{
			name: "usb-cd", vendor: "Supermicro",
			apply:  func(t *traits) { t.usbCD = true },
			source: "X11 to X13 list Cd and UsbCd, and show virtual media as the second: sushy, resources/system/system.py",
		},
		{
			name: "cd-is-cd", vendor: "Supermicro", model: "ARS-111GL-NHR",
			apply:  func(t *traits) { t.usbCD = false },
			source: "this model shows virtual media as Cd: sushy, resources/system/system.py; ironcore-dev/metal-operator #982",
		},
		{
			name: "attribute-cd", vendor: "Dell",
			apply:  func(t *traits) { t.attributeCD = true },
			source: "the target Cd is the physical drive: dell/iDRAC-Redfish-Scripting #90, #324; the attributes of ServerBoot.1: xcat2/confluent, aiohmi/redfish/oem/dell/idrac.py",
		},
		{
			name: "job-after-staging", vendor: "Dell",
			apply:  func(t *traits) { t.jobAfterStage = true },
			source: "staged BIOS attributes stay pending without a job: dell/iDRAC-Redfish-Scripting #84, #250; a job made by the write itself: quadsproject/quads #726",
		},
		{
			name: "once-only", vendor: "Lenovo",
			apply:  func(t *traits) { t.onceOnly = true },
			source: "XCC knows Once and Disabled: bmclib, providers/lenovo",
		},
		{
			name: "no-rdoc", vendor: "Lenovo",
			apply:  func(t *traits) { t.notDrives = "RDOC" },
			source: "RDOC drives hold uploaded files only: lenovo/python-redfish-lenovo #21",
		},
	}
}

func (q quirk) matches(id identity) bool {
	return prefix(id.Vendor, q.vendor) && prefix(id.Model, q.model) &&
		prefix(id.Manager, q.manager) && prefix(id.Firmware, q.firmware)
}

func prefix(s, p string) bool {
	return len(s) >= len(p) && strings.EqualFold(s[:len(p)], p)
}

func traitsOf(id identity) traits {
	var t traits
	for _, q := range slices.Concat(quirks(), updateQuirks(), custodyQuirks()) {
		if q.matches(id) {
			q.apply(&t)
			t.names = append(t.names, q.name)
		}
	}
	return t
}

// notReadyMessages are message ids that mean "ask again later".
func notReadyMessages() []string {
	return []string{
		"SYS518",                         // Dell: the job or resource is busy (sushy connector.py)
		"InvalidOperationForSystemState", // HPE: in POST (sushy release notes)
		"ServiceTemporarilyUnavailable",  // DMTF Base registry
		"ServiceInUnknownState",          // DMTF Base registry
		"ResourceInUse",                  // DMTF Base registry
		"ResourceNotReady",               // OpenBMC and AMI after a restart of the BMC
	}
}

// sessionLimitMessages are message ids that mean "no session left".
func sessionLimitMessages() []string {
	return []string{
		"SessionLimitExceeded",          // DMTF Base registry
		"CreateLimitReachedForResource", // DMTF Base registry
		"RAC0218",                       // Dell: the maximum number of user sessions is reached
	}
}

// wrongPasswordMessages are message ids that some BMCs send with 400 instead of 401.
func wrongPasswordMessages() []string {
	return []string{
		"UnauthorizedLoginAttempt",  // HPE iLO
		"NoValidSession",            // DMTF Base registry
		"ResourceAtUriUnauthorized", // DMTF Base registry
		"AuthenticationFailed",      // Lenovo, AMI
	}
}
