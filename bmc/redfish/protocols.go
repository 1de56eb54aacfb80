package redfish

import (
	"context"
	"encoding/json"

	"rackwright/bmc"
	"rackwright/fault"
)

// protocol is one service's name with us and in ManagerNetworkProtocol.
type protocol struct{ name, property string }

func protocols() []protocol {
	return []protocol{{"ipmi", "IPMI"}, {"ssh", "SSH"}, {"https", "HTTPS"}, {"http", "HTTP"}, {"snmp", "SNMP"},
		{"telnet", "Telnet"}, {"kvm", "KVMIP"}, {"virtual-media", "VirtualMedia"}}
}

// offered is a service in ManagerNetworkProtocol.
type offered struct {
	ProtocolEnabled *bool
	Port            int
}

// Protocols lists the services of ManagerNetworkProtocol.
func (c *Controller) Protocols(ctx context.Context) ([]bmc.Protocol, error) {
	ctx = withBudget(ctx, maxCustodyReads)
	_, resource, err := c.network(ctx)
	if err != nil {
		return nil, c.explain("read the network services", err)
	}
	out := []bmc.Protocol{}
	for _, p := range protocols() {
		if on, port, ok := offeredIn(resource, p.property); ok {
			out = append(out, bmc.Protocol{Name: p.name, On: on, Port: port})
		}
	}
	return out, nil
}

// network reads ManagerNetworkProtocol.
func (c *Controller) network(ctx context.Context) (*manager, properties, error) {
	m, err := c.itself(ctx)
	if err != nil {
		return nil, nil, err
	}
	if m.NetworkProtocol.URI == "" {
		return nil, nil, c.lacks("list of network services")
	}
	network, err := c.propertiesAt(ctx, m.NetworkProtocol.URI)
	return m, network, c.missing("list of network services", err)
}

// properties is a resource whose properties are looked at by name.
type properties map[string]json.RawMessage

func (c *Controller) propertiesAt(ctx context.Context, uri string) (properties, error) {
	p, err := get[properties](c.under(ctx), uri)
	if err != nil {
		return nil, err
	}
	return *p, nil
}

func offeredIn(resource properties, property string) (on bool, port int, ok bool) {
	var o offered
	if lenient(json.Unmarshal(resource[property], &o)) != nil || o.ProtocolEnabled == nil {
		return false, 0, false
	}
	return *o.ProtocolEnabled, max(o.Port, 0), true
}

// SetProtocol switches a service and reads it back. Where the BMC does not take it in
// ManagerNetworkProtocol it is switched by the vendor's attribute, if there is one.
func (c *Controller) SetProtocol(ctx context.Context, name string, on bool) error {
	done, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	property := ""
	for _, p := range protocols() {
		if p.name == name {
			property = p.property
		}
	}
	switch {
	case name == "https":
		return fault.Conflictf("https of BMC %s is how we reach it", c.access.Address).WithHint("leave it on")
	case property == "":
		return fault.Invalidf("there is no service %.40q", name).WithHint("name one of ipmi, ssh, http, snmp, telnet, kvm, virtual-media")
	}
	ctx = withBudget(ctx, maxCustodyReads)
	m, resource, err := c.network(ctx)
	if err != nil {
		return c.explain("read the network services", err)
	}
	is, _, ok := offeredIn(resource, property)
	if !ok {
		return c.lacks("service " + name)
	}
	if is == on {
		return nil
	}
	asked := "switch " + name + map[bool]string{true: " on", false: " off"}[on]
	c.log.Info("bmc service switched", "service", name, "on", on)
	_, wrote := c.write(ctx, m.NetworkProtocol.URI, map[string]any{property: map[string]any{"ProtocolEnabled": on}})
	if attribute := c.traits.switches[name]; attribute != "" && wrote != nil && elsewhere(wrote) {
		value := map[bool]string{true: dellEnabled, false: dellDisabled}[on]
		_, wrote = c.write(ctx, m.ownAttributes(), map[string]any{"Attributes": map[string]string{attribute: value}})
	}
	return c.readBack(ctx, asked, wrote, func(ctx context.Context) (bool, error) {
		r, err := c.propertiesAt(ctx, m.NetworkProtocol.URI)
		is, _, ok := offeredIn(r, property)
		return ok && is == on, err
	})
}
