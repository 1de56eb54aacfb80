package scripted

import (
	"strings"
	"testing"

	apiwire "rackwright/api/wire"
	"rackwright/deploy"
)

// A system that starts and never phones home is followed all the same: how far its
// cloud-init is by its own reports, and what it says on its console through its BMC.
func TestASystemThatIsSilentIsFollowedByItsReportsAndItsConsole(t *testing.T) {
	w := newWorld(t, []node{{"s01", "uefi", "no-phone-home"}, {"s02", "bios", ""}}).start()
	silent := w.deploy("s01").ID
	drive, err := w.client.Deploy(w.ctx, "s02", apiwire.Deploy{Image: "small", Seed: "config-drive"})
	ok(t, err)
	w.wait(silent, "following cloud-init", func(o deploy.Operation) bool {
		return o.At(deploy.StepPhone) && o.Step().Note == "modules-config/config-runcmd: running"
	})
	w.succeeded(drive.ID)
	if line := w.command("machine", "timeline", "s01"); !strings.Contains(line, "cloud-init: init-network begins") {
		t.Errorf("the timeline has no word of cloud-init:\n%s", line)
	}
	tail := ""
	until(t, w.ctx, "the console's words", func() bool {
		tail = w.command("machine", "console", "s01")
		return strings.Contains(tail, "a command of the user that does not end")
	}, func() string { return tail + "\n--- console\n" + w.console("s01") })
	w.command("operation", "cancel", silent)
	w.wait(silent, "cancelled", func(o deploy.Operation) bool { return o.State == deploy.Cancelled })
}
