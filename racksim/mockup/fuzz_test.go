package mockup

import (
	"testing"
	"time"
)

// FuzzRequest sends anything to every kind of resource; the BMC answers and goes on.
func FuzzRequest(f *testing.F) {
	for i, text := range []string{`{"ResetType": "ForceOff"}`, `{"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe", "BootOrder": ["Boot0001"]}}`,
		`{"Attributes": {"LogicalProc": "Disabled"}, "@Redfish.SettingsApplyTime": {"ApplyTime": "OnReset"}}`, `{"Image": "http://192.0.2.1/a.iso", "Inserted": true}`,
		`{"UserName": "a", "Password": "abcdefgh12", "RoleId": "ReadOnly"}`, `{"Destination": "https://192.0.2.1/x", "Context": "c"}`, `{"ResetKeysType": "DeleteAllKeys"}`,
		`{"DateTime": "2026-03-01T12:00:00Z"}`, `{"Members": [], "Oem": {"a": {}}, "Actions": null}`, ``} {
		f.Add(uint8(i), uint8(i), uint16(i), text)
	}
	f.Fuzz(func(t *testing.T, vendor, method uint8, which uint16, text string) {
		c := bench(t, Vendors()[int(vendor)%len(Vendors())])
		uris := c.bmc.cfg.Tree.URIs()
		for target := range c.bmc.actions {
			if c.bmc.actions[target].name != "#UpdateService.SimpleUpdate" { // which would go to the network
				uris = append(uris, target)
			}
		}
		uri := uris[int(which)%len(uris)]
		verb := []string{"PATCH", "POST", "DELETE", "GET", "PUT"}[int(method)%5]
		for range 2 {
			c.do(verb, uri, text, "If-Match", "*")
			c.clock.forward(2 * time.Second)
		}
		c.clock.forward(time.Hour)
		c.get(root)
		if c.bmc.Power() == "" {
			t.Error("the host tells no power state")
		}
	})
}
