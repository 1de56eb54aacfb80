package redfish

import (
	"context"
	"encoding/json"

	"github.com/stmcginnis/gofish/schemas"
)

// maxManagers is how many managers of a system we look at: a blade has its own and the
// enclosure's, a GB300 one for the host and one for the GPU board.
const maxManagers = 4

// manager is what we use of the Manager schema.
type manager struct {
	schemas.Entity
	ManagerType        string
	Model              string
	FirmwareVersion    string
	LastResetTime      string // Manager v1.9
	EthernetInterfaces link
	VirtualMedia       link
	Links              struct {
		Oem struct {
			Dell struct{ DellAttributes []link }
		}
	}
	Actions struct {
		Reset resetAction `json:"#Manager.Reset"`
	}
}

// UnmarshalJSON keeps what fits.
func (m *manager) UnmarshalJSON(b []byte) error {
	type plain manager
	return lenient(json.Unmarshal(b, (*plain)(m)))
}

// remembered is what was found out about the BMC on the way and spares asking again. The
// right to change (Controller.begin) guards it.
type remembered struct {
	registries link      // of the service
	registry   *registry // of the BIOS attributes; nil: not read yet
	rung       *rung     // by which the last image went into the drive
}

// identify reads who the BMC is. The manager is one more request; without it only the
// quirks of some firmware are missed.
func (c *Controller) identify(ctx context.Context, root serviceRoot, sys *system) identity {
	id := identity{Vendor: tidy(root.Vendor), Model: tidy(sys.Model)}
	if id.Vendor == "" {
		id.Vendor = tidy(sys.Manufacturer)
	}
	m := c.findManager(ctx, root, sys)
	if m == nil {
		return id
	}
	c.manager, c.ports = m.ODataID, m.EthernetInterfaces
	id.Manager, id.Firmware = tidy(m.Model), tidy(m.FirmwareVersion)
	return id
}

// findManager reads the manager that is this BMC: the one the system names, of several the
// first that says it is a BMC. A system that names none (Huawei: sushy's release notes) is
// managed by the only manager there is.
func (c *Controller) findManager(ctx context.Context, root serviceRoot, sys *system) *manager {
	named := sys.Links.ManagedBy
	if len(named) == 0 {
		named = sys.Links.Managers // Redfish before 1.0, and some still
	}
	if len(named) == 0 && root.Managers.URI != "" {
		list, err := schemas.GetObject[collection](c.client.WithContext(ctx), root.Managers.URI)
		if err != nil || len(list.Members) != 1 {
			return nil
		}
		named = list.Members
	}
	var found *manager
	for _, l := range named[:min(len(named), maxManagers)] {
		m, err := c.readManager(ctx, l.URI)
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

func (c *Controller) readManager(ctx context.Context, uri string) (*manager, error) {
	m, err := schemas.GetObject[manager](c.client.WithContext(ctx), uri)
	if err != nil {
		return nil, err
	}
	m.ODataID = uri
	return m, nil
}
