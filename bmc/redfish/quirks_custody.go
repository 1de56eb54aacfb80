package redfish

// custodyTraits are the differences in accounts, clocks, services and consoles that our
// calls need to know beforehand; quirks.go has the table.
type custodyTraits struct {
	reserved     []string          // ids of account slots that are nobody's
	loginName    bool              // a new account carries a descriptive name
	ntp          ntpDialect        // where NTP is set when ManagerNetworkProtocol has none
	timeAction   bool              // the time is set by an action of the vendor's
	switches     map[string]string // attributes of the BMC that switch services
	entry        string            // what starts the console in an SSH session
	noManualTime bool              // the clock follows NTP or the host, never us
}

// custodyQuirks are rows of the table in quirks.go.
func custodyQuirks() []quirk {
	return []quirk{
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
