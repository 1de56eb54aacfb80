package redfish

import (
	"context"
	"net/http"
	"slices"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
)

// simple posts #UpdateService.SimpleUpdate: the BMC fetches the file itself. Which optional
// parameters a BMC knows is announced by few, so a definite 400 goes one rung down: first
// with the protocol, then without, which the scheme of the URI says anyway.
func (c *Controller) simple(ctx context.Context, service *updater, u bmc.Update, targets []string) (*http.Response, error) {
	action := service.Actions.Simple
	var err error
	for _, payload := range simplePayloads(action, service, u, targets) {
		var resp *http.Response
		if resp, err = c.postSimple(ctx, action.Target, payload); err == nil {
			return resp, nil
		}
		if statusOf(err) != http.StatusBadRequest {
			return nil, err
		}
	}
	return nil, err
}

func simplePayloads(action simpleUpdate, service *updater, u bmc.Update, targets []string) []map[string]any {
	make := func(protocol string) map[string]any {
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
		return []map[string]any{make("")}
	}
	return []map[string]any{make(protocol), make("")}
}

// postSimple keeps the answer's body.
func (c *Controller) postSimple(ctx context.Context, target string, payload any) (*http.Response, error) {
	resp, err := c.client.WithContext(ctx).Post(target, payload)
	if err != nil {
		schemas.DeferredCleanupHTTPResponse(resp)
		return nil, err
	}
	return resp, nil
}
