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
		{"it took the offer of the server whose proxy we are", with(dora[:1], line{6, "ignored REQUEST pxe given-by-other-server"}), "nothing-loaded", "UDP 69", 2},
		{"another server was heard", with(dora[:1], line{3, "rogue 10.0.0.99"}), "other-server", "10.0.0.99", 2},
		{"an offer, then nothing", dora[:1], "offer-unanswered", "VLAN", 1},
		{"IA32 UEFI", []line{{2, "DISCOVER pxe no-loader"}, {6, "REQUEST pxe no-loader"}}, "no-loader", "type-6", 2},
		{"its address is another's", with(dora, line{7, "conflict"}), "address-in-use", "ARP", 3},
		{"an address, then nothing", dora, "nothing-loaded", "UDP 69", 2},
		{"the first block never arrives", with(dora, line{7, "stalled ipxe.efi 1"}), "tftp-stalled", "MTU", 3},
		{"the first block never arrives, and its next boot is as bad", with(dora, line{30, "DISCOVER http"}, line{34, "REQUEST http"}, line{36, "silent ipxe.efi"}), "nothing-loaded", "http.listen", 4},
		{"a later block is lost", with(dora, line{7, "stalled ipxe.efi four"}), "tftp-stalled", "block 4", 3},
		{"the firmware breaks off", with(dora, line{7, "aborted shim.efi"}), "tftp-refused", "Secure Boot", 3},
		{"the loader is not heard of", load, "no-driver", "driver", 4},
		{"shim looks for revocations that nobody has", with(load, line{6.8, "refused optional"}, line{6.9, "lacking shim/revocations_sku.efi"}), "no-driver", "driver", 4},
		{"GRUB that has no HTTP came by it", []line{{2, "DISCOVER http"}, {6, "REQUEST http"}, {6.1, "http shim/shimx64.efi"}, {6.2, "refused optional"}, {6.3, "http shim/grubx64.efi"}}, "no-script", "GRUB", 5},
		{"the loader has an address", ipxe, "no-script", "http.listen", 0},
		{"an option ROM has an address", []line{{2, "DISCOVER ipxe"}, {2, "REQUEST ipxe"}}, "no-script", "http.listen", 2},
		{"the script, then nothing", with(ipxe, line{8, "script agent"}), "no-kernel", "console", 8},
		{"the script of strangers", with(ipxe, line{8, "script stranger"}), "script-stranger", "plan", 8},
		{"no ramdisk on the server", with(ipxe, line{8, "script agent"}, line{8.1, "refused unreachable"}), "http-refused", "unreachable", 9},
		{"the kernel broke off", with(ipxe, line{8, "script agent"}, line{8.1, "broke vmlinuz"}), "http-broke-off", "cable", 9},
		{"kernel and ramdisk, then nothing", kern, "no-agent", "serial console", 10},
		{"the ramdisk has an address", with(kern, line{12, "DISCOVER os"}, line{12, "REQUEST os"}), "agent-unheard", "agent.listen", 12},
		{"the agent refuses our certificate", with(kern, line{12, "DISCOVER os"}, line{12, "REQUEST os"}, line{14, "distrust"}), "certificate-refused", "netboot again", 13},
		{"firmware refuses our certificate", []line{{2, "DISCOVER http"}, {3, "REQUEST http"}, {3.1, "refused certificate"}}, "certificate-refused", "boot-ca.pem", 3},
		{"an agent of a boot that another server began", []line{{12, "distrust"}}, "certificate-refused", "another server", 1},
		{"the agent took the certificate of another boot", with(kern, line{12, "distrust"}, line{14, "agent"}), "", "", 0},
		{"over IPv6 an address, then nothing", six6, "nothing-loaded", "UDP 69", 4},
		{"over IPv6 the ramdisk has no driver", kern6, "no-agent", "driver", 10},
		{"over IPv6 the ramdisk has an address", with(kern6, line{12, "SOLICIT os"}, line{12, "REQUEST6 os"}), "agent-unheard", "agent.listen", 12},
		{"over IPv6 there is no address", []line{{4, "SOLICIT pxe no-address"}}, "not-answered", "no-address", 1},
		{"it tries IPv6 too, where that is off", with(dora, line{70, "ignored6 SOLICIT pxe dhcp6-off"}), "nothing-loaded", "UDP 69", 2},
		{"it tries IPv6 alone, where that is off", []line{{4, "ignored6 SOLICIT pxe dhcp6-off"}}, "not-answered", "dhcp6", 1},
		{"a packet of a network that is not declared", []line{{0, "power cycle"}, {2, "packet DISCOVER pxe"}}, "not-answered", "no network is declared", 0},
		{"an offer in a crowd, then nothing", []line{{0, "power cycle"}, {2, "packet DISCOVER pxe OFFER"}}, "offer-unanswered", "VLAN", 0},
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
