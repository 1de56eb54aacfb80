package redfish

import (
	"context"
	"slices"

	"rackwright/bmc"
)

// simple posts #UpdateService.SimpleUpdate: the BMC fetches the file itself. Which optional
// parameters a BMC knows is announced by few, so a definite 400 goes one rung down: first
// with the protocol, then without, which the scheme of the URI says anyway.
func (c *Controller) simple(ctx context.Context, service *updater, u bmc.Update, targets []string) (answer, error) {
	action := service.Actions.Simple
	return c.postForms(ctx, action.Target, simplePayloads(action, service, u, targets))
}

// postForms posts the first form of something that is not refused for what it says.
func (c *Controller) postForms(ctx context.Context, target string, forms []map[string]any) (a answer, err error) {
	for _, form := range forms {
		if a, err = c.post(ctx, target, form); !illFormed(err) {
			break
		}
	}
	return a, err
}

func simplePayloads(action simpleUpdate, service *updater, u bmc.Update, targets []string) []map[string]any {
	form := func(protocol string) map[string]any {
		p := map[string]any{"ImageURI": u.URI}
		if len(targets) > 0 {
			p["Targets"] = targets
		}
		if when := service.applyTime(u.OnReset, action.Apply.SupportedValues); when != "" {
			p["@Redfish.OperationApplyTime"] = when
		}
		if protocol != "" {
			p["TransferProtocol"] = protocol
		}
		return p
	}
	protocol, remote := withScheme(u.URI)
	if !remote || len(action.Protocols) > 0 && !slices.Contains(action.Protocols, protocol) {
		return []map[string]any{form("")}
	}
	return []map[string]any{form(protocol), form("")}
}
