package redfish

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// boot is ComputerSystem.Boot as far as we use it.
type boot struct {
	Enabled  string   `json:"BootSourceOverrideEnabled"`
	Target   string   `json:"BootSourceOverrideTarget"`
	Mode     string   `json:"BootSourceOverrideMode"`
	URI      string   `json:"HttpBootUri"`
	Allowed  []string `json:"BootSourceOverrideTarget@Redfish.AllowableValues"`
	Enablers []string `json:"BootSourceOverrideEnabled@Redfish.AllowableValues"`
	Order    []string `json:"BootOrder"`
	Options  link     `json:"BootOptions"`

	Certificates link // authorities that HTTPS boot trusts
}

const (
	once       = string(schemas.OnceBootSourceOverrideEnabled)
	continuous = string(schemas.ContinuousBootSourceOverrideEnabled)
	disabled   = string(schemas.DisabledBootSourceOverrideEnabled)
	noTarget   = string(schemas.NoneBootSource)
	cd         = string(schemas.CdBootSource)
	usbCD      = "UsbCd" // Supermicro's, in no schema
	httpTarget = string(schemas.UefiHTTPBootSource)
	maxBootURI = 1024 // bytes; firmware has room for about 500
)

// inForce reports whether the next start goes elsewhere than the boot order. Names are
// compared without regard to case: some services write PXE or once.
func (b boot) inForce() bool {
	return b.Enabled != "" && !strings.EqualFold(b.Enabled, disabled) && b.Target != "" && !strings.EqualFold(b.Target, noTarget)
}

// String is what a person reads in an error.
func (b boot) String() string {
	if !b.inForce() {
		return "no override"
	}
	return strings.TrimSpace(tidy(b.Enabled + " " + b.Target + " " + b.Mode))
}

// wanted is the override that makes b true.
func wanted(b bmc.Boot) (boot, error) {
	want := boot{Enabled: once, Mode: modeName(b.Mode), URI: b.URI}
	if b.Lasting {
		want.Enabled = continuous
	}
	switch b.Target {
	case bmc.BootNone:
		return boot{Enabled: disabled}, nil
	case bmc.BootPXE:
		want.Target = string(schemas.PxeBootSource)
	case bmc.BootHTTP:
		want.Target = httpTarget
	case bmc.BootDisk:
		want.Target = string(schemas.HddBootSource)
	case bmc.BootCD:
		want.Target = cd
	case bmc.BootSetup:
		want.Target = string(schemas.BiosSetupBootSource)
	default:
		return boot{}, fault.Invalidf("next boot %q is not one we know", b.Target)
	}
	if b.Mode != "" && want.Mode == "" {
		return boot{}, fault.Invalidf("boot mode %q is not one we know", b.Mode)
	}
	return want, checkBootURI(b)
}

// checkBootURI accepts what firmware's HTTP client can fetch, and only where it is asked.
func checkBootURI(b bmc.Boot) error {
	if b.URI == "" {
		return nil
	}
	if b.Target != bmc.BootHTTP {
		return fault.Invalidf("a boot URI goes with the target http, not with %q", b.Target).WithHint("leave the URI out, or ask for http")
	}
	u, err := url.Parse(b.URI)
	if err != nil || len(b.URI) > maxBootURI || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return fault.Invalidf("the boot URI is not an http or https URL without user name of at most %d bytes", maxBootURI).
			WithHint("write it as http://host/path")
	}
	return nil
}

func modeName(f inventory.Firmware) string {
	switch f {
	case inventory.UEFI:
		return string(schemas.UEFIBootSourceOverrideMode)
	case inventory.BIOS:
		return string(schemas.LegacyBootSourceOverrideMode)
	}
	return ""
}

// fulfils compares what reads back with what was asked. A BMC that tells no mode has none.
func (b boot) fulfils(want boot) bool {
	if want.Enabled == disabled {
		return !b.inForce()
	}
	return strings.EqualFold(b.Enabled, want.Enabled) && strings.EqualFold(b.Target, want.Target) && (want.Target != httpTarget || b.URI == want.URI) &&
		(want.Mode == "" || b.Mode == "" || strings.EqualFold(b.Mode, want.Mode))
}

// outlasts reports whether b is want, which was for the next start only, for every start.
func (b boot) outlasts(want boot) bool {
	if want.Enabled != once || !strings.EqualFold(b.Enabled, continuous) {
		return false
	}
	want.Enabled = continuous
	return b.fulfils(want)
}

// payload is what is sent: what is empty is left alone.
func (b boot) payload() map[string]any {
	out := map[string]any{"BootSourceOverrideEnabled": b.Enabled}
	if b.Target != "" {
		out["BootSourceOverrideTarget"] = b.Target
	}
	if b.Mode != "" {
		out["BootSourceOverrideMode"] = b.Mode
	}
	if b.URI != "" {
		out["HttpBootUri"] = b.URI
	}
	return out
}

// forms are the ways to say want, best first: a URI of before is taken back with null
// (sushy) or an empty string (DSP0268 has both); the mode is left out for a BMC that has
// none (Supermicro X10) or refuses it although it is so (HPE: ansible-collections/community.general #3509).
func (b boot) forms(now boot) []map[string]any {
	full := b.payload()
	all := []map[string]any{full}
	if b.Target == httpTarget && b.URI == "" && now.URI != "" {
		all = []map[string]any{with(full, "HttpBootUri", nil), with(full, "HttpBootUri", "")}
	}
	if b.Mode == "" {
		if now.Mode != "" { // some want all three said
			all = append(all, with(full, "BootSourceOverrideMode", now.Mode))
		}
		return all
	}
	for _, f := range slices.Clone(all) {
		f = maps.Clone(f)
		delete(f, "BootSourceOverrideMode")
		all = append(all, f)
	}
	return all
}

func with(form map[string]any, key string, value any) map[string]any {
	form = maps.Clone(form)
	form[key] = value
	return form
}

// clearing are the ways to end an override, best first: some BMCs want the target said
// as well, some refuse None (HPE: ironcore-dev/metal-operator #998), some want the mode
// (ansible-collections/community.general #11542).
func clearing(now boot) []map[string]any {
	plain := boot{Enabled: disabled}.payload()
	all := []map[string]any{plain, with(plain, "BootSourceOverrideTarget", noTarget)}
	if now.Mode != "" {
		all = append(all, with(plain, "BootSourceOverrideMode", now.Mode), with(all[1], "BootSourceOverrideMode", now.Mode))
	}
	return append(all, with(plain, "BootSourceOverrideTarget", string(schemas.PxeBootSource)))
}

// overrideOf is what a boot reads as. A target we never set is named in lower case.
func overrideOf(b boot) bmc.Boot {
	if !b.inForce() {
		return bmc.Boot{Target: bmc.BootNone}
	}
	out := bmc.Boot{Target: bmc.Target(strings.ToLower(tidy(b.Target))), Lasting: strings.EqualFold(b.Enabled, continuous)}
	switch {
	case strings.EqualFold(b.Target, httpTarget):
		out.Target, out.URI = bmc.BootHTTP, tidyURL(b.URI)
	case strings.EqualFold(b.Target, string(schemas.HddBootSource)):
		out.Target = bmc.BootDisk
	case strings.EqualFold(b.Target, usbCD):
		out.Target = bmc.BootCD
	case strings.EqualFold(b.Target, string(schemas.BiosSetupBootSource)):
		out.Target = bmc.BootSetup
	}
	switch {
	case strings.EqualFold(b.Mode, string(schemas.UEFIBootSourceOverrideMode)):
		out.Mode = inventory.UEFI
	case strings.EqualFold(b.Mode, string(schemas.LegacyBootSourceOverrideMode)):
		out.Mode = inventory.BIOS
	}
	return out
}
