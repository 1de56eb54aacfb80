package redfish

import (
	"context"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/fault"
)

// maxSystems is how many systems of one service we look at; a multi-node chassis has
// eight, an emulator of a whole lab some dozens.
const maxSystems = 64

// system is what we use of the ComputerSystem schema.
type system struct {
	resource
	Status       wellness
	SystemType   string
	Manufacturer string
	Model        string
	SerialNumber string
	SKU          string
	AssetTag     string
	UUID         string
	BiosVersion  string

	PowerState    schemas.PowerState
	LastResetTime string
	BootProgress  struct{ LastState, LastStateTime string }
	Boot          boot

	ProcessorSummary struct {
		Count  *int // nil: not told
		Model  string
		Status wellness
	}
	MemorySummary struct {
		TotalSystemMemoryGiB float64
		Status               wellness
	}

	Processors         link
	Memory             link
	EthernetInterfaces link
	Storage            link
	SimpleStorage      link
	Bios               link
	SecureBoot         link
	VirtualMedia       link
	LogServices        link
	SerialConsole      *hostConsole // nil: not there
	Links              struct{ ManagedBy, Managers, Chassis []link }

	Locator    *bool    `json:"LocationIndicatorActive"` // nil: not there
	Indicator  string   `json:"IndicatorLED"`
	Indicators []string `json:"IndicatorLED@Redfish.AllowableValues"`

	Actions struct {
		Reset resetAction `json:"#ComputerSystem.Reset"`
	}
}

// read reads the chosen system.
func (c *Controller) read(ctx context.Context) (*system, error) {
	return get[system](c.under(ctx), c.system)
}

// choose finds the system that is the machine: the one named in the address, the only
// one, or the one that can be reset and tells its power. NVIDIA's GB300 lists its GPU
// baseboard as a system before the host, so the first is no choice; and of two real
// hosts only a person can say which is meant.
func (c *Controller) choose(ctx context.Context, root serviceRoot, named string) (*system, error) {
	if named != "" {
		return c.readNamed(ctx, named)
	}
	all, err := c.systems(ctx, root)
	if err != nil {
		return nil, err
	}
	best, points, tie := (*system)(nil), -1, false
	for i := range all {
		s := &all[i]
		switch p := s.points(); {
		case p > points:
			best, points, tie = s, p, false
		case p == points:
			tie = true
		}
	}
	switch {
	case best == nil:
		return nil, fault.Conflictf("BMC %s lists no system", c.access.Address).
			WithHint("wait until the BMC has started fully; then update or restart it")
	case tie:
		return nil, fault.Invalidf("BMC %s serves several systems: %s", c.access.Address, ids(all)).
			WithHint("name one in the plan: bmc.address = %s%s%s", c.wire.base, systemsPath, all[0].ID)
	}
	return best, nil
}

// readNamed reads the system that the address names. Where that is another name of it, as
// in sushy-emulator that redirects from a machine's name to its UUID, the one that it gives
// itself counts: what is read follows a redirect, what is written does not.
func (c *Controller) readNamed(ctx context.Context, named string) (*system, error) {
	a, err := answerOf(c.under(ctx).Get(named))
	if err != nil {
		return nil, err
	}
	s, err := parse[system](a.body, named, "")
	if err != nil {
		return nil, err
	}
	own, ok := systemPath(pathOf(odataID(a.body)))
	if !ok || own == "" || own == named {
		return s, nil
	}
	if same, err := get[system](c.under(ctx), own); err == nil && same.ID == s.ID && same.UUID == s.UUID {
		return same, nil
	}
	return s, nil
}

// points counts what makes a system the host: it can be reset, it tells its power, it is
// physical, and it boots from something.
func (s *system) points() int {
	points := 0
	for worth, has := range map[int]bool{
		8: s.Actions.Reset.Target != "",
		4: s.PowerState != "",
		2: s.SystemType == "Physical",
		1: s.Boot.Target != "" || len(s.Boot.Allowed) > 0,
	} {
		if has {
			points += worth
		}
	}
	return points
}

// systems reads the members; one that cannot be read is left out as long as another can.
func (c *Controller) systems(ctx context.Context, root serviceRoot) ([]system, error) {
	uri := root.Systems.URI
	if uri == "" {
		uri = strings.TrimSuffix(systemsPath, "/")
	}
	client := c.under(ctx)
	list, err := get[collection](client, uri)
	if err != nil {
		return nil, err
	}
	if len(list.Members) > maxSystems {
		return nil, fault.Invalidf("BMC %s serves %d systems", c.access.Address, len(list.Members)).
			WithHint("name one in the plan: bmc.address = %s%sID", c.wire.base, systemsPath)
	}
	all, err := resolve[system](client, list, maxSystems)
	if len(all) == 0 {
		return nil, err
	}
	if err != nil {
		c.log.Warn("bmc system left out", "err", c.explain("read a system", err))
	}
	return all, nil
}

func ids(all []system) string {
	var out []string
	for i := range all {
		out = append(out, tidy(all[i].ID))
	}
	return strings.Join(out, ", ")
}
