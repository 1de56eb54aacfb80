package redfish

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"rackwright/bmc"
	"rackwright/fault"
)

// maxUpdateReads bounds what a look at the firmware asks: each item of the inventory.
const maxUpdateReads = 2*maxSoftware + 20

// updater is what we use of the UpdateService schema.
type updater struct {
	resource
	ServiceEnabled    *bool // nil: not told
	FirmwareInventory link

	Multipart      string   `json:"MultipartHttpPushUri"`
	MultipartApply applying `json:"MultipartHttpPushUri@Redfish.OperationApplyTimeSupport"`
	Push           string   `json:"HttpPushUri"`
	PushTargets    []string `json:"HttpPushUriTargets"`
	PushBusy       *bool    `json:"HttpPushUriTargetsBusy"` // nil: nothing to claim
	PushOptions    struct {
		ApplyTime struct {
			ApplyTime string
			Allowed   []string `json:"ApplyTime@Redfish.AllowableValues"`
		} `json:"HttpPushUriApplyTime"`
	} `json:"HttpPushUriOptions"`

	Actions struct {
		Simple simpleUpdate `json:"#UpdateService.SimpleUpdate"`
	}
}

// applying is when an operation may be applied (@Redfish.OperationApplyTimeSupport).
type applying struct{ SupportedValues []string }

// simpleUpdate is #UpdateService.SimpleUpdate.
type simpleUpdate struct {
	Target    string   `json:"target"`
	Protocols []string `json:"TransferProtocol@Redfish.AllowableValues"`
	Apply     applying `json:"@Redfish.OperationApplyTimeSupport"`
}

// updateService reads the UpdateService.
func (c *Controller) updateService(ctx context.Context) (*updater, error) {
	if c.root.Updates.URI == "" {
		return nil, fault.Invalidf("BMC %s has no update service", c.access.Address).
			WithHint("update its firmware by the vendor's tool; a newer BMC firmware may have the service")
	}
	return get[updater](c.under(ctx), c.root.Updates.URI)
}

// Components lists the firmware that runs, bios and bmc first. Two items of one name, like
// equal drives, are one: the first. The versions of bios and bmc are those that the system
// and the manager themselves report, as in Facts.
func (c *Controller) Components(ctx context.Context) ([]bmc.Component, error) {
	ctx = withBudget(ctx, maxUpdateReads)
	out, err := c.own(ctx)
	if err != nil {
		return nil, c.explain("read the firmware", err)
	}
	if c.root.Updates.URI == "" {
		return out, nil
	}
	service, err := c.updateService(ctx)
	if err != nil {
		return nil, c.explain("read the update service", c.missing("update service", err))
	}
	if service.FirmwareInventory.URI == "" {
		return out, nil
	}
	items, err := members[software](c.under(ctx), service.FirmwareInventory.URI, maxSoftware)
	if absent(err) && len(items) == 0 { // linked and not there, as in sushy-emulator
		return out, nil
	}
	if err != nil && len(items) == 0 {
		return nil, c.explain("read the firmware inventory", err)
	}
	if err := c.forgive(ctx, "firmware inventory", err); err != nil {
		return nil, err
	}
	for _, i := range items {
		if i.runs() {
			out = include(out, i)
		}
	}
	return out, nil
}

// include adds an item, or gives a component that is there its id. Of two banks with one
// name the one that has the version that runs is it.
func include(all []bmc.Component, i software) []bmc.Component {
	c := bmc.Component{ID: lastOf(i.ODataID), Name: i.component(), Version: tidy(i.Version), Updatable: i.Updateable}
	at := slices.IndexFunc(all, func(o bmc.Component) bool { return o.Name == c.Name })
	switch {
	case c.Name == "" || c.Version == "":
	case at < 0:
		return append(all, c)
	case all[at].ID == "":
		all[at].ID, all[at].Updatable = c.ID, c.Updatable
	}
	return all
}

// own is what the system and its manager say of themselves.
func (c *Controller) own(ctx context.Context) ([]bmc.Component, error) {
	sys, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	var out []bmc.Component
	if v := tidy(sys.BiosVersion); v != "" {
		out = append(out, bmc.Component{Name: "bios", Version: v})
	}
	if c.manager != "" {
		m, err := get[manager](c.under(ctx), c.manager)
		if err != nil {
			return nil, err
		}
		if v := tidy(m.FirmwareVersion); v != "" {
			out = append(out, bmc.Component{Name: "bmc", Version: v})
		}
	}
	return out, nil
}

// targets are the URIs that an update names: of the items with these ids. One that is not
// in the inventory is Invalid.
func (c *Controller) targets(ctx context.Context, service *updater, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := get[collection](c.under(ctx), service.FirmwareInventory.URI)
	if absent(err) {
		list, err = &collection{}, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	uris := list.uris()
	for _, id := range ids {
		at := slices.IndexFunc(uris, func(uri string) bool { return lastOf(uri) == id })
		if at < 0 {
			return nil, fault.Invalidf("BMC %s has no firmware %.80q in its inventory", c.access.Address, id).
				WithHint("list the components; ids change with the version on some BMCs")
		}
		out = append(out, uris[at])
	}
	return out, nil
}

// pushTargets are the targets as this BMC wants them with a push.
func (c *Controller) pushTargets(ctx context.Context, targets []string) ([]string, error) {
	if !c.traits.targetManager && !c.traits.targetResource || c.traits.targetManager && len(targets) > 0 {
		return targets, nil
	}
	if c.traits.targetManager {
		if c.manager == "" {
			return nil, nil
		}
		return []string{c.manager}, nil
	}
	sys, err := c.read(ctx)
	if err != nil {
		return nil, err
	}
	for i, target := range targets {
		one, err := get[software](c.under(ctx), target)
		if err != nil {
			return nil, err
		}
		switch one.component() {
		case "bios":
			targets[i] = cmp.Or(sys.Bios.URI, c.system+"/Bios")
		case "bmc":
			targets[i] = cmp.Or(c.manager, target)
		}
	}
	return targets, nil
}

// withScheme reports whether a URI can be fetched by a BMC, and by which protocol of
// TransferProtocolType.
func withScheme(uri string) (protocol string, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	return strings.ToUpper(u.Scheme), true
}
