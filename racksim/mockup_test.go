package racksim

import (
	"strings"
	"testing"
)

func TestAMachineWithAMockupIsABMCAlone(t *testing.T) {
	mock := func(rest string) string {
		return `{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1, mockup: openbmc}` + rest + `}]}`
	}
	rack, err := Parse([]byte(mock(`, nics: [{mac: "52:54:00:00:00:01"}]`)))
	if err != nil {
		t.Fatal(err)
	}
	if m := rack.Machines[0]; m.Kind != KindMockup || m.Serial != "" || m.UUID != "" || m.Power != "" || m.Model != "" {
		t.Errorf("read as %+v", m)
	}
	for text, want := range map[string]string{
		mock(", disks: [{size: 1GiB}]"): "no machine stands behind",
		mock(", model: R650"):           "tells its own",
		mock(", kind: qemu"):            "leave kind out",
		mock(", kind: scripted"):        "leave kind out",
		mock(", uuid: nonsense"):        "not a UUID",
		mock(", power: perhaps"):        "not on or off",
		`{rack: r1, machines: [{name: n1, u: 1, kind: mockup, bmc: {address: 10.0.0.1}}]}`:                                           "is empty",
		`{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1, mockup: openbmc, faults: [{kind: fire}]}}]}`:                "faults[0]",
		`{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1, mockup: openbmc, faults: [{kind: hang, path: Systems}]}}]}`: "no path",
		`{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1, mockup: openbmc, faults: [{kind: hang, color: red}]}}]}`:    "color",
		`{rack: r1, machines: [{name: n1, u: 1, bmc: {address: 10.0.0.1, mockup: openbmc, latency: 1h}}]}`:                           "latency",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
