package redfish_test

import (
	"bytes"
	"io"
	"testing"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/racksim"
	"rackwright/racksim/simtest"
)

// caring gives hooks what racksim's BMC does for updates, sensors, logs and events.
func caring(t *testing.T, m *simtest.Machine, hooks *bmctest.Hooks, component string, onReset bool) {
	t.Helper()
	const version = "9.1"
	var file bytes.Buffer
	if err := racksim.WriteFirmware(&file, racksim.Firmware{Component: component, Version: version}, 2<<20); err != nil {
		t.Fatal(err)
	}
	hooks.With = []bmctest.Group{bmctest.Updates, bmctest.Sensors, bmctest.Logs, bmctest.LogClears, bmctest.Pushes, bmctest.Streams}
	hooks.Upgrade = bmctest.Upgrade{Component: component, Version: version, Reset: onReset, Update: bmc.Update{
		Name: component + ".bin", Size: int64(file.Len()), OnReset: onReset,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil }}}
	hooks.Happen = func() { // somebody at the machine
		if m.Power() == racksim.On {
			_ = m.ForceOff(t.Context())
			return
		}
		_ = m.PowerOn(t.Context())
	}
}
