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

	// updates and events
	notPush         string // push URIs that begin so are no Redfish push
	updateState     bool   // an update without a task shows in the UpdateService (Oem.Hpe.State)
	targetResource  bool   // a push targets the BIOS or the manager, not the inventory item
	targetManager   bool   // a push without targets is refused: the manager takes the image
	monitorForgets  bool   // reading the monitor of a finished task deletes the task
	eventTypesFirst bool   // a subscription without EventTypes is refused or hears nothing

	// accounts, services, clock and console
	reserved     []string          // ids of account slots that are nobody's
	loginName    bool              // a new account carries a descriptive name
	ntp          ntpDialect        // where NTP is set when ManagerNetworkProtocol has none
	timeAction   bool              // the time is set by an action of the vendor's
	switches     map[string]string // attributes of the BMC that switch services
	entry        string            // what starts the console in an SSH session
	noManualTime bool              // the clock follows NTP or the host, never us
}

// quirk is one row: whom it is about, what it changes, who says so. A key matches when
// it is a prefix in any case; an empty key matches all.
type quirk struct {
	name                             string
	vendor, model, manager, firmware string
	apply                            func(*traits)
	source                           string
}

// quirks is the table.
func quirks() []quirk {
	return []quirk{
		// Boot, media and settings.
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

		// Updates and events.
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

		// Accounts, services, clock and console.
		{
			name: "reserved-slot", vendor: "Dell",
			apply:  func(t *traits) { t.reserved = []string{"1"} },
			source: "slot 1 is IPMI's anonymous user and cannot be written: dell/iDRAC-Redfish-Scripting, CreateDeleteUserREDFISH.py",
		},
		{
			name: "login-name", vendor: "HPE",
			apply:  func(t *traits) { t.loginName = true },
			source: "iLO tells users by Oem.Hpe.LoginName in its pages: HPE, Managing iLO users",
		},
		{
			name: "attribute-services", vendor: "Dell",
			apply: func(t *traits) {
				t.switches = map[string]string{"ipmi": "IPMILan.1.Enable", "ssh": "SSH.1.Enable", "snmp": "SNMP.1.AgentEnable", "telnet": "Telnet.1.Enable"}
			},
			source: "older iDRACs show services in ManagerNetworkProtocol and switch them by attributes: dell/iDRAC-Redfish-Scripting, SetIdracLcSystemAttributesREDFISH.py",
		},
		{
			name: "attribute-ntp", vendor: "Dell",
			apply:  func(t *traits) { t.ntp = dellNTP() },
			source: "NTPConfigGroup.1: dell/dellemc-openmanage-ansible-modules, idrac_redfish_config",
		},
		{
			name: "time-action", vendor: "Dell",
			apply:  func(t *traits) { t.timeAction = true },
			source: "DellTimeService.ManageTime: dell/iDRAC-Redfish-Scripting, ManageIdracTimeREDFISH.py",
		},
		{
			name: "datetime-ntp", vendor: "HPE",
			apply:  func(t *traits) { t.ntp, t.noManualTime = hpeNTP(), true },
			source: "StaticNTPServers of HpeiLODateTime, the time itself cannot be written: HPE, Managing time in iLO",
		},
		{
			name: "oem-ntp", vendor: "Supermicro",
			apply:  func(t *traits) { t.ntp = supermicroNTP() },
			source: "X11 and early X12 have NTP as a resource below Oem.Supermicro of the manager: Supermicro, Redfish reference guide",
		},
		{
			name: "console-com2", vendor: "Dell",
			apply:  func(t *traits) { t.entry = "console com2" },
			source: "Dell, iDRAC user's guide: serial redirection over SSH",
		},
		{
			name: "console-vsp", vendor: "HPE",
			apply:  func(t *traits) { t.entry = "vsp" },
			source: "HPE, iLO user guide: virtual serial port",
		},
		{
			name: "console-1", vendor: "Lenovo",
			apply:  func(t *traits) { t.entry = "console 1" },
			source: "Lenovo, XClarity Controller command-line interface: console",
		},
		{
			name: "console-sol1", vendor: "Supermicro",
			apply:  func(t *traits) { t.entry = "start /system1/sol1" },
			source: "SMASH CLP of Supermicro's BMC: Supermicro, BMC user's guide",
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

// quirksOf are the rows that are about a BMC.
func quirksOf(id identity) []quirk {
	return slices.DeleteFunc(quirks(), func(q quirk) bool { return !q.matches(id) })
}

func traitsOf(id identity) traits {
	var t traits
	for _, q := range quirksOf(id) {
		q.apply(&t)
		t.names = append(t.names, q.name)
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
