package redfish

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
)

// maxManagers is how many managers of a system we look at: a blade has its own and the
// enclosure's, a GB300 one for the host and one for the GPU board.
const maxManagers = 4

// manager is what we use of the Manager schema.
type manager struct {
	resource
	ManagerType        string
	Model              string
	FirmwareVersion    string
	LastResetTime      string // Manager v1.9
	EthernetInterfaces link
	VirtualMedia       link
	LogServices        link
	NetworkProtocol    link

	DateTime, DateTimeLocalOffset string

	SerialConsole, CommandShell *shell
	Location                    *location

	Links struct {
		ManagerForServers []link

		Oem struct {
			Dell struct {
				DellAttributes  []link
				DellTimeService link
			}
		}
	}
	Oem struct {
		Hpe, Hp struct {
			Links struct{ DateTimeService link }
		}
		Supermicro struct{ NTP link }
	}
	Actions struct {
		Reset resetAction `json:"#Manager.Reset"`
	}
}

// remembered is what was found out about the BMC on the way and spares asking again. The
// right to change (Controller.begin) guards it.
type remembered struct {
	registry *registry // of the BIOS attributes; nil: not read yet
	rung     *rung     // by which the last image went into the drive
}

// brand is the vendor whose extensions a resource has: the only name in its Oem.
type brand string

// UnmarshalJSON leaves it empty where there are several or none.
func (b *brand) UnmarshalJSON(text []byte) error {
	var all map[string]json.RawMessage
	if lenient(json.Unmarshal(text, &all)) == nil && len(all) == 1 {
		for name := range all {
			*b = brand(tidy(name))
		}
	}
	return nil
}

// identify reads who the BMC is. The manager is one more request; without it only the
// quirks of some firmware are missed.
func (c *Controller) identify(ctx context.Context, root serviceRoot, sys *system) identity {
	id := identity{Vendor: tidy(root.Vendor), Model: tidy(sys.Model)}
	if id.Vendor == "" { // a machine that was never started tells none, either (iDRAC9)
		id.Vendor = first(sys.Manufacturer, string(root.Oem))
	}
	m := c.findManager(ctx, root, sys)
	if m == nil {
		return id
	}
	c.manager, c.ports = m.ODataID, m.EthernetInterfaces
	id.Manager, id.Firmware = tidy(m.Model), tidy(m.FirmwareVersion)
	return id
}

// firmware is the version that the BMC runs now: it may have been updated since we logged
// in. Where the manager does not say, the inventory does.
func (c *Controller) firmware(ctx context.Context) string {
	if c.manager == "" {
		return ""
	}
	m, err := get[manager](c.under(ctx), c.manager)
	if err != nil {
		c.log.Debug("bmc answer incomplete", "part", "version of the BMC", "err", c.explain("read the manager", err))
		return ""
	}
	return tidy(m.FirmwareVersion)
}

// findManager reads the manager that is this BMC: the one the system names, of several the
// first that says it is a BMC. A system that names none (Huawei: sushy's release notes) is
// managed by the only manager there is, else by the one that names the system (Cray EX has
// two controllers of the board beside).
func (c *Controller) findManager(ctx context.Context, root serviceRoot, sys *system) *manager {
	named := sys.Links.ManagedBy
	if len(named) == 0 {
		named = sys.Links.Managers // Redfish before 1.0, and some still
	}
	if len(named) == 0 && root.Managers.URI != "" {
		list, err := get[collection](c.under(ctx), root.Managers.URI)
		if err != nil {
			return nil
		}
		for _, uri := range list.uris() {
			named = append(named, link{URI: uri})
		}
		if len(named) > 1 {
			return c.managerOf(ctx, sys, named)
		}
	}
	var found *manager
	for _, l := range named[:min(len(named), maxManagers)] {
		m, err := get[manager](c.under(ctx), l.URI)
		if err != nil {
			c.log.Debug("bmc manager unreadable", "err", c.explain("read the manager", err))
			continue
		}
		if m.ManagerType == string(schemas.BMCManagerType) {
			return m
		}
		if found == nil {
			found = m
		}
	}
	return found
}

// managerOf reads managers until one says that it manages the system.
func (c *Controller) managerOf(ctx context.Context, sys *system, all []link) *manager {
	for _, l := range all[:min(len(all), maxManagers)] {
		m, err := get[manager](c.under(ctx), l.URI)
		if err == nil && slices.ContainsFunc(m.Links.ManagerForServers, func(s link) bool { return sameURI(s.URI, sys.ODataID) }) {
			return m
		}
	}
	return nil
}

// itself reads the manager that is our BMC.
func (c *Controller) itself(ctx context.Context) (*manager, error) {
	if c.manager == "" {
		if _, err := c.read(ctx); err != nil { // denied, perhaps: that is the thing to tell
			return nil, err
		}
		return nil, c.lacks("manager resource")
	}
	return get[manager](c.under(ctx), c.manager)
}

// ownAttributes is where iDRAC's own attributes are: among those of the system and the
// lifecycle controller, the one with the manager's name; before 4.40 below the manager.
func (m *manager) ownAttributes() string {
	for _, l := range m.Links.Oem.Dell.DellAttributes {
		if lastOf(l.URI) == lastOf(m.ODataID) {
			return l.URI
		}
	}
	return strings.TrimRight(m.ODataID, "/") + "/Attributes"
}

// missing is lacks for something that is linked and not there: how some services say that
// they have none.
func (c *Controller) missing(what string, err error) error {
	if absent(err) {
		return c.lacks(what)
	}
	return err
}

// lacks is what a BMC that has no such thing gets.
func (c *Controller) lacks(what string) *fault.Error {
	return fault.Invalidf("BMC %s has no %s", c.access.Address, what).
		WithHint("a newer BMC firmware or licence may have it; otherwise do it in the BMC's own pages")
}
