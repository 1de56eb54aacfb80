package redfish

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/stmcginnis/gofish/schemas"
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
	for _, q := range quirks() {
		if q.matches(id) {
			q.apply(&t)
			t.names = append(t.names, q.name)
		}
	}
	return t
}

// identify reads who the BMC is. The manager is one more request; without it only the
// quirks of some firmware are missed.
func (c *Controller) identify(ctx context.Context, root serviceRoot, sys *system) identity {
	id := identity{Vendor: tidy(root.Vendor), Model: tidy(sys.Model)}
	if id.Vendor == "" {
		id.Vendor = tidy(sys.Manufacturer)
	}
	if len(sys.Links.ManagedBy) == 0 {
		return id
	}
	m, err := schemas.GetObject[manager](c.client.WithContext(ctx), sys.Links.ManagedBy[0].URI)
	if err != nil {
		c.log.Debug("bmc manager unreadable", "err", c.explain("read the manager", err))
		return id
	}
	c.ports = m.EthernetInterfaces
	id.Manager, id.Firmware = tidy(m.Model), tidy(m.FirmwareVersion)
	return id
}

// manager is what we use of the Manager schema.
type manager struct {
	schemas.Entity
	Model              string
	FirmwareVersion    string
	EthernetInterfaces link
}

// UnmarshalJSON keeps what fits.
func (m *manager) UnmarshalJSON(b []byte) error {
	type plain manager
	return lenient(json.Unmarshal(b, (*plain)(m)))
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
