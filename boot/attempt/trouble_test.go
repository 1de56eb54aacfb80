package attempt_test

import (
	"strings"
	"testing"
	"time"

	"rackwright/boot/attempt"
	"rackwright/inventory"
)

func TestEachTroubleIsToldByWhatWasSeen(t *testing.T) {
	again := func(lines []line) []line { return with(with(lines, after(60, lines)...), after(120, lines)...) }
	own := []line{{2, "DISCOVER ipxe"}, {2.1, "REQUEST ipxe"}, {2.2, "script local-disk"}}
	for _, c := range []struct {
		name  string
		lines []line
		code  string
		words string // in text or hint
		proof int    // event among the proof; 0: any
	}{
		{"started and silent", []line{{0, "power cycle"}}, "no-discover", "no link when", 1},
		{"nobody answers a stranger", []line{{2, "ignored DISCOVER pxe wrong-network"}}, "not-answered", "wrong-network", 1},
		{"it took another's offer", with(dora[:1], line{6, "ignored REQUEST pxe chose-other-server"}), "other-server", "10.0.0.66", 2},
		{"another server was heard", with(dora[:1], line{3, "rogue 10.0.0.99"}), "other-server", "10.0.0.99", 2},
		{"an offer, then nothing", dora[:1], "offer-unanswered", "VLAN", 1},
		{"IA32 UEFI", []line{{2, "DISCOVER pxe no-loader"}, {6, "REQUEST pxe no-loader"}}, "no-loader", "type-6", 2},
		{"its address is another's", with(dora, line{7, "conflict"}), "address-in-use", "ARP", 3},
		{"an address, then nothing", dora, "nothing-loaded", "UDP 69", 2},
		{"the first block never arrives", with(dora, line{7, "stalled ipxe.efi 1"}), "tftp-stalled", "MTU", 3},
		{"a later block is lost", with(dora, line{7, "stalled ipxe.efi four"}), "tftp-stalled", "block 4", 3},
		{"the firmware breaks off", with(dora, line{7, "aborted shim.efi"}), "tftp-refused", "Secure Boot", 3},
		{"the loader is not heard of", load, "no-driver", "driver", 4},
		{"the loader has an address", ipxe, "no-script", "http.listen", 0},
		{"an option ROM has an address", []line{{2, "DISCOVER ipxe"}, {2, "REQUEST ipxe"}}, "no-script", "http.listen", 2},
		{"the script, then nothing", with(ipxe, line{8, "script agent"}), "no-kernel", "console", 8},
		{"the script of strangers", with(ipxe, line{8, "script stranger"}), "script-stranger", "plan", 8},
		{"no ramdisk on the server", with(ipxe, line{8, "script agent"}, line{8.1, "refused unreachable"}), "http-refused", "unreachable", 9},
		{"the kernel broke off", with(ipxe, line{8, "script agent"}, line{8.1, "broke vmlinuz"}), "http-broke-off", "cable", 9},
		{"kernel and ramdisk, then nothing", kern, "no-agent", "serial console", 10},
		{"the ramdisk has an address", with(kern, line{12, "DISCOVER os"}, line{12, "REQUEST os"}), "agent-unheard", "certificate", 12},
		{"its disk does not boot", again(own), "loop", "boot order", 9},
		{"its loader gives up, again and again", again(load), "loop", "boot mode", 12},
		{"its kernel panics, again and again", again(kern), "loop", "console", 30},
		{"the agent runs", with(kern, line{12, "agent"}), "", "", 0},
		{"its own disk", own, "", "", 0},
		{"a failure that was got over", with(dora, with([]line{{7, "stalled ipxe.efi 1"}}, with(after(8, load[2:]), line{16, "DISCOVER ipxe"}, line{16, "REQUEST ipxe"}, line{16, "script local-disk"})...)...), "", "", 0},
	} {
		mac := inventory.MAC{2, 0, 0, 0, 0, 1}
		m := &inventory.Machine{Name: "m1", Power: inventory.PowerOn, NICs: []inventory.NIC{{Name: "nic1", MAC: mac, Boot: true}},
			Facts: &inventory.Facts{NICs: []inventory.SeenNIC{{Name: "eno1", MAC: mac}}, LLDP: []inventory.Neighbor{{NIC: "eno1", System: "leaf-1", Port: "Ethernet7"}}}}
		now := noon.Add(10 * time.Minute)
		got := attempt.Diagnose(m, attempt.Of(events(t, c.lines), now), time.Time{}, now)
		if got == nil || c.code == "" {
			if got != nil || c.code != "" {
				t.Errorf("%s: %+v, want %q", c.name, got, c.code)
			}
			continue
		}
		shown := c.proof == 0
		for _, p := range got.Proof {
			shown = shown || p.Event == int64(c.proof)
		}
		if got.Code != c.code || !strings.Contains(got.Text+" "+got.Hint, c.words) || !shown || got.Hint == "" || got.Attempt == 0 {
			t.Errorf("%s: %+v, want %q with %q, shown by event %d", c.name, got, c.code, c.words, c.proof)
		}
	}
}

func TestAMachineThatIsWaitedForAndWasNeverSeenIsSilent(t *testing.T) {
	now := noon.Add(time.Hour)
	for _, c := range []struct {
		name  string
		m     inventory.Machine
		waits time.Time
		words string // "": nothing is wrong
	}{
		{"planned", inventory.Machine{Phase: inventory.Planned}, time.Time{}, "no plan"},
		{"off", inventory.Machine{Phase: inventory.Discovered, Name: "m1", Power: inventory.PowerOff}, noon, "rackwright power m1 on"},
		{"waited for a short while", inventory.Machine{Phase: inventory.Discovered}, now.Add(-time.Second), ""},
		{"nobody waits", inventory.Machine{Phase: inventory.Discovered}, time.Time{}, ""},
	} {
		got := attempt.Diagnose(&c.m, nil, c.waits, now)
		if c.words == "" && got != nil || c.words != "" && (got == nil || !strings.Contains(got.Hint, c.words)) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
