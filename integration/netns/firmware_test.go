package netns

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"rackwright/journal"
)

// Firmware that does not ask for a broadcast is answered in a frame to its MAC, before it has
// the address that the frame names: it has to take that.
func TestRealFirmwareWithoutAnAddressTakesTheAnswer(t *testing.T) {
	const ovmf = "/usr/share/OVMF/OVMF_CODE.fd"
	for name, c := range map[string]struct{ args []string }{
		"SeaBIOS with iPXE's ROM": {nil},
		"OVMF's own PXE client":   {[]string{"-bios", ovmf}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			qemu := need(t, "qemu-system-x86_64", "qemu-system-x86")
			rom := ""
			if c.args != nil {
				rom = ",romfile="
				if _, err := os.Stat(ovmf); err != nil {
					t.Skip("needs " + ovmf + ": apt-get install ovmf")
				}
			}
			br, err := netlink.LinkByName("br0")
			must(t, err)
			tap := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "tap0", MasterIndex: br.Attrs().Index}, Mode: netlink.TUNTAP_MODE_TAP}
			must(t, netlink.LinkAdd(tap))
			t.Cleanup(func() { _ = netlink.LinkDel(tap) })
			must(t, netlink.LinkSetUp(tap))
			cmd := exec.Command(qemu, append([]string{"-M", "q35", "-accel", "tcg", "-m", "256", "-display", "none", "-net", "none", "-boot", "n",
				"-netdev", "tap,id=n,ifname=tap0,script=no,downscript=no", "-device", "virtio-net-pci,netdev=n,mac=" + knownMAC + rom}, c.args...)...)
			cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
			must(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			if _, ok := s.within(60*time.Second, func(e journal.Event) bool { return e.Kind == journal.HTTPSent || e.Kind == journal.TFTPSent }); !ok {
				t.Error("it loaded nothing within 60 s")
			}
		})
	}
}
