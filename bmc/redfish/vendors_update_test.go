package redfish_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/bmc/bmctest"
	"rackwright/fault"
	"rackwright/racksim"
	"rackwright/racksim/mockup"
)

// firmwareFile is firmware for a mockup: it may be pushed, and is served where BMCs only fetch.
func firmwareFile(t *testing.T, component, version string) bmc.Update {
	t.Helper()
	var text bytes.Buffer
	if err := racksim.WriteFirmware(&text, racksim.Firmware{Component: component, Version: version}, 300<<10); err != nil {
		t.Fatal(err)
	}
	store := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text.Bytes()) }))
	t.Cleanup(store.Close)
	return bmc.Update{Name: component + ".bin", Size: int64(text.Len()), URI: store.URL + "/" + component + ".bin",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil }}
}

// caretaking adds to a vendor's hooks what updates, logs and events need.
func caretaking(t *testing.T, name string, m *mockup.BMC, hooks *bmctest.Hooks) {
	hooks.With = []bmctest.Group{bmctest.Updates, bmctest.Sensors, bmctest.Logs, bmctest.LogClears, bmctest.Pushes}
	switch name {
	case "dell-idrac9", "dell-idrac10", "hpe-ilo5", "hpe-ilo6", "lenovo-xcc", "openbmc", "nvidia-gb300":
		hooks.With = append(hooks.With, bmctest.Streams)
	}
	hooks.Happen = func() { m.Note("Fan 2 stands still.", "Critical") }
	hooks.Upgrade = bmctest.Upgrade{Update: firmwareFile(t, "bios", "99.1"), Component: "bios", Version: "99.1"}
	hooks.Upgrade.Reset = name == "dell-idrac9" || name == "dell-idrac10"
}

// TestTheBMCsOwnUpdateIsFollowedThroughItsRestart, on every vendor's.
func TestTheBMCsOwnUpdateIsFollowedThroughItsRestart(t *testing.T) {
	for _, name := range mockup.Vendors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _, access := replay(t, name)
			c := dialReplay(t, access, swift())
			task, err := c.StartUpdate(t.Context(), firmwareFile(t, "bmc", "88.2"))
			if err != nil {
				t.Fatalf("%v (%s)", err, fault.HintOf(err))
			}
			until(t, "the BMC restarted", func() bool { return m.Restarts() == 1 })
			until(t, "the task has an end", func() bool {
				if task.ID == "" || task.State == bmc.TaskDone || task.State == bmc.TaskLost {
					return true
				}
				next, err := c.Task(t.Context(), task.ID)
				if err == nil {
					task = next
				}
				return false
			})
			until(t, "the new version runs", func() bool {
				all, err := c.Components(t.Context())
				for _, o := range all {
					if err == nil && o.Name == "bmc" && o.Version == "88.2" {
						return true
					}
				}
				return false
			})
		})
	}
}

// until looks again and again, for ten seconds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("it never came true that %s", what)
		}
	}
}
