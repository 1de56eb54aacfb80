package redfish

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The test of what a quirk does to a call stands beside the call.
func TestEveryQuirkHasASourceAndAnEffect(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range quirks() {
		before := traits{usbCD: q.name == "cd-is-cd", notDrives: "x"}
		after := before
		q.apply(&after)
		if q.name == "" || seen[q.name] || q.source == "" || q.vendor+q.manager == "" || fmt.Sprintf("%#v", before) == fmt.Sprintf("%#v", after) {
			t.Errorf("quirk %q: source %q", q.name, q.source)
		}
		seen[q.name] = true
	}
}

func TestEveryQuirkMeetsItsBMCAndNoOther(t *testing.T) {
	met := map[string]bool{}
	const dell = "attribute-cd job-after-staging event-types reserved-slot attribute-services attribute-ntp time-action console-com2"
	const supermicro = "target-resource oem-ntp console-sol1"
	for _, c := range []struct {
		id   identity
		want string
	}{
		{identity{Vendor: "Dell", Manager: "16G Monolithic"}, dell},
		{identity{Vendor: "Dell Inc.", Manager: "17G Monolithic"}, "settings-first " + dell},
		{identity{Vendor: "SUPERMICRO", Model: "SYS-620P"}, "mode-with-target usb-cd " + supermicro},
		{identity{Vendor: "Supermicro", Model: "ARS-111GL-NHR"}, "mode-with-target usb-cd cd-is-cd " + supermicro},
		{identity{Vendor: "Lenovo"}, "once-only no-rdoc monitor-forgets console-1"},
		{identity{Vendor: "HPE"}, "cgi-upload update-state login-name datetime-ntp console-vsp"},
		{identity{Manager: "OpenBmc"}, "target-manager"},
		{identity{Vendor: "Example"}, ""},
		{identity{}, ""},
	} {
		got := traitsOf(c.id).names
		for _, name := range got {
			met[name] = true
		}
		if !slices.Equal(got, strings.Fields(c.want)) && len(got)+len(c.want) > 0 {
			t.Errorf("%+v has %v, want %v", c.id, got, c.want)
		}
	}
	for _, q := range quirks() {
		if !met[q.name] {
			t.Errorf("quirk %s meets nobody", q.name)
		}
	}
}
