package mockup

import (
	"net/http"
	"slices"
)

// Boot is what the host started from.
type Boot struct {
	Target string // BootSourceOverrideTarget; "None": its own order
	Mode   string // UEFI, Legacy; empty where the tree tells no mode
	URI    string // HttpBootUri
	First  string // the first of BootOrder
	Image  string // in the virtual CD drive, when it is what the host started from
}

// changeBoot takes a PATCH of the system's Boot; the rest is merged by the caller.
func (b *BMC) changeBoot(uri string, sent body) *refusal {
	boot, ok := sent["Boot"].(body)
	if !ok {
		return nil
	}
	_, _, staged := cutPair(b.settingsPairs(), uri)
	if staged && b.habits.bootInSettings && !onlyOrder(boot) {
		return refuse(http.StatusBadRequest, "PropertyNotWritable", "Boot overrides are written to the Settings resource.")
	}
	return b.fitBoot(uri, boot)
}

func onlyOrder(boot body) bool { return len(boot) == 1 && boot["BootOrder"] != nil }

// fitBoot judges an override and an order, and completes the override.
func (b *BMC) fitBoot(system string, boot body) *refusal {
	now := asBody(b.get(system)["Boot"])
	for name, v := range boot {
		if _, has := now[name]; !has && name != "HttpBootUri" {
			return unknownProperty("Boot/" + name)
		}
		if p := listed(now, name, v); p != nil {
			return p
		}
	}
	if order, ok := boot["BootOrder"]; ok {
		known := texts(now, "BootOrder")
		for _, ref := range texts(boot, "BootOrder") {
			if !slices.Contains(known, ref) {
				return notInList("BootOrder", ref)
			}
		}
		if list, isList := order.([]any); !isList || len(texts(boot, "BootOrder")) != len(list) || len(list) != len(known) {
			return refuse(http.StatusBadRequest, "PropertyValueFormatError", "BootOrder must list every boot option once.")
		}
	}
	switch target := textAt(boot, "BootSourceOverrideTarget"); {
	case textAt(boot, "BootSourceOverrideEnabled") == "Disabled":
		boot["BootSourceOverrideTarget"] = "None"
	case target != "" && b.habits.losesMode && textAt(boot, "BootSourceOverrideMode") == "" && now["BootSourceOverrideMode"] != nil:
		boot["BootSourceOverrideMode"] = "Legacy"
	}
	return nil
}

// useOverride says what the host starts from, and uses a one-time override up.
func (b *BMC) useOverride(host string) Boot {
	boot := asBody(b.edit(host)["Boot"])
	out := Boot{Target: "None", Mode: textAt(boot, "BootSourceOverrideMode")}
	if order := texts(boot, "BootOrder"); len(order) > 0 {
		out.First = order[0]
	}
	enabled := textAt(boot, "BootSourceOverrideEnabled")
	if enabled == "Once" || enabled == "Continuous" {
		out.Target, out.URI = textAt(boot, "BootSourceOverrideTarget"), textAt(boot, "HttpBootUri")
	}
	if enabled == "Once" {
		boot["BootSourceOverrideEnabled"], boot["BootSourceOverrideTarget"] = "Disabled", "None"
		if boot["BootNext"] != nil {
			boot["BootNext"] = ""
		}
	}
	if out.Target == "Cd" || out.Target == "UsbCd" || out.Target == "RemoteDrive" {
		out.Image = b.image()
	}
	if b.habits.booted != nil && host == b.host {
		b.habits.booted(b, &out)
	}
	return out
}
