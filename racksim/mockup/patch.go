package mockup

import (
	"net/http"
	"slices"
	"strings"
)

// writable are the properties of a schema that a PATCH may change, as DSP0268 has them
// read-write; "*" stands for all that the resource has. ok is false for a schema that
// takes no PATCH.
func writable(schema string) (names []string, ok bool) {
	all := map[string][]string{
		"ComputerSystem":         {"AssetTag", "Boot", "HostName", "IndicatorLED", "LocationIndicatorActive"},
		"Chassis":                {"AssetTag", "IndicatorLED", "Location", "LocationIndicatorActive"},
		"Manager":                {"DateTime", "DateTimeLocalOffset", "TimeZoneName", "IndicatorLED", "LocationIndicatorActive"},
		"ManagerNetworkProtocol": {"*"},
		"ManagerAccount":         {"AccountTypes", "Enabled", "Locked", "Password", "RoleId", "UserName", "PasswordExpiration"},
		"AccountService":         {"*"},
		"SessionService":         {"SessionTimeout", "ServiceEnabled"},
		"EventService":           {"*"},
		"EventDestination":       {"Context"},
		"UpdateService":          {"HttpPushUriOptions", "HttpPushUriTargets", "HttpPushUriTargetsBusy", "ServiceEnabled"},
		"SecureBoot":             {"SecureBootEnable"},
		"VirtualMedia":           {"Image", "Inserted", "WriteProtected", "TransferMethod", "TransferProtocolType", "UserName", "Password"},
		"Bios":                   {"Attributes", "@Redfish.SettingsApplyTime"},
		"BootOption":             {"BootOptionEnabled"},
		"EthernetInterface":      {"*"},
		"LogService":             {"*"},
		"DellAttributes":         {"Attributes"},
		"SerialInterface":        {"*"},
	}
	names, ok = all[schema]
	return names, ok
}

// patch changes a resource. The answer is the resource, or 204 where the vendor sends that.
func (b *BMC) patch(c *call) reply {
	target := b.get(c.uri)
	if target == nil {
		return missing(c.uri).reply()
	}
	if p := b.match(c); p != nil {
		return p.reply()
	}
	if p := b.fits(target, c); p != nil {
		return p.reply()
	}
	if owner := b.settingsOf(c.uri); owner != "" {
		return b.stage(c, owner)
	}
	if p := b.effect(c); p != nil {
		return p.reply()
	}
	merge(b.edit(c.uri), c.body)
	b.ripple(c)
	if b.habits.patchAnswer == http.StatusNoContent {
		return none()
	}
	out := b.read(&call{r: &http.Request{URL: c.r.URL, Method: http.MethodGet}, uri: c.uri})
	if b.habits.patchAnswer == http.StatusAccepted {
		out.status = http.StatusAccepted
	}
	return out
}

// fits judges the properties: known, writable, of their type, and in their list.
func (b *BMC) fits(target body, c *call) *refusal {
	names, ok := writable(typeOf(target))
	if !ok {
		return refuse(http.StatusMethodNotAllowed, "OperationNotAllowed", "The HTTP method is not allowed on this resource.")
	}
	if len(c.body) == 0 {
		return refuse(http.StatusBadRequest, "MalformedJSON", "The request body submitted has no property.")
	}
	for name, v := range c.body {
		old, has := target[name]
		switch {
		case name == "Oem" || strings.HasPrefix(name, "@odata."):
		case names[0] != "*" && !slices.Contains(names, name) && has:
			return readOnly(name)
		case !has && !optional(typeOf(target), name):
			return unknownProperty(name)
		case has && !sameKind(old, v):
			return wrongType(name)
		}
		if p := listed(target, name, v); p != nil {
			return p
		}
		if sub, ok := v.(body); ok && name != "Attributes" && name != "Oem" {
			for inner, value := range sub {
				if p := listed(asBody(old), inner, value); p != nil {
					return p
				}
			}
		}
	}
	return nil
}

func asBody(v any) body { b, _ := v.(body); return b }

// optional are properties that take a value without being told.
func optional(schema, name string) bool {
	switch schema {
	case "ManagerAccount", "VirtualMedia", "Bios":
		return true
	case "UpdateService":
		return strings.HasPrefix(name, "HttpPushUri")
	case "ComputerSystem":
		return name == "Boot"
	}
	return false
}

// listed refuses a value that the resource does not allow.
func listed(target body, name string, v any) *refusal {
	allowed := texts(target, name+"@Redfish.AllowableValues")
	if s, ok := v.(string); ok && allowed != nil && !slices.Contains(allowed, s) {
		return notInList(name, s)
	}
	return nil
}

// effect is what a PATCH does beside changing the text; it may refuse.
func (b *BMC) effect(c *call) *refusal {
	switch typeOf(b.get(c.uri)) {
	case "ComputerSystem":
		return b.changeBoot(c.uri, c.body)
	case "Bios":
		if follow(b.get(c.uri), "@Redfish.Settings", "SettingsObject") != "" {
			return refuse(http.StatusMethodNotAllowed, "OperationNotAllowed", "Attributes are written to the Settings resource.")
		}
		return b.fitAttributes(c.uri, c.body)
	case "ManagerAccount":
		return b.changeAccount(c)
	case "VirtualMedia":
		return b.patchMedia(c)
	case "Manager":
		return b.setClock(c.body)
	case "UpdateService":
		if c.body["HttpPushUriTargetsBusy"] == true && at(b.get(c.uri), "HttpPushUriTargetsBusy") == true {
			return refuse(http.StatusConflict, "ResourceInUse", "Another client holds HttpPushUriTargets.")
		}
	}
	return nil
}

// ripple shows a change where the same thing is told a second time: the locator LED of the
// system and its chassis, under both of its names.
func (b *BMC) ripple(c *call) {
	lit, isLit := c.body["LocationIndicatorActive"].(bool)
	led, isLED := c.body["IndicatorLED"].(string)
	if !isLit && !isLED {
		return
	}
	if isLED {
		lit = led != "Off"
	} else {
		led = map[bool]string{true: "Lit", false: "Off"}[lit]
	}
	for _, uri := range append([]string{b.host}, members(b.get(b.host), "Links", "Chassis")...) {
		r := b.edit(uri)
		if r == nil {
			continue
		}
		if r["LocationIndicatorActive"] != nil {
			r["LocationIndicatorActive"] = lit
		}
		if r["IndicatorLED"] == nil {
			continue
		}
		allowed := texts(r, "IndicatorLED@Redfish.AllowableValues")
		for _, name := range []string{led, "Lit", "Blinking"} {
			if allowed == nil || slices.Contains(allowed, name) {
				r["IndicatorLED"] = name
				break
			}
		}
	}
}
