package attempt_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"rackwright/boot/attempt"
	"rackwright/inventory"
	"rackwright/journal"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// line is what is said on the wire: when, in seconds after noon, and what.
type line struct {
	at   float64
	what string
}

// events are those that the server leaves of what was said, as a database gives them back.
func events(t *testing.T, lines []line) (out []journal.Event) {
	for i, l := range lines {
		e := journal.Event{ID: int64(i + 1), At: noon.Add(time.Duration(l.at * float64(time.Second))), Summary: l.what}
		words := strings.Fields(l.what)
		var d map[string]any
		switch words[0] {
		case "power":
			e.Kind, d = journal.BMCAction, map[string]any{"power": words[1]}
		case "DISCOVER", "REQUEST":
			reply := map[string]string{"DISCOVER": "OFFER", "REQUEST": "ACK"}[words[0]]
			e.Kind, d = journal.DHCPAnswered, map[string]any{"message": words[0], "reply": reply, "client": words[1], "arch": "uefi-x64"}
			if slices.Contains(words, "no-loader") {
				d["no_loader"], d["arch"] = true, "type-6"
			}
			if slices.Contains(words, "uboot") {
				d["arch"] = "uboot-arm64"
			}
		case "SOLICIT", "REQUEST6":
			word, reply, rule := strings.TrimSuffix(words[0], "6"), map[string]string{"SOLICIT": "ADVERTISE", "REQUEST6": "REPLY"}[words[0]], "given"
			if e.Kind = journal.DHCPAnswered; len(words) > 2 {
				rule = words[2]
			}
			d = map[string]any{"protocol": "DHCPv6", "message": word, "reply": reply, "client": words[1], "arch": "uefi-x64", "rule": rule}
		case "ignored6":
			e.Kind, d = journal.DHCPIgnored, map[string]any{"protocol": "DHCPv6", "message": words[1], "client": words[2], "rule": words[3]}
		case "packet": // of no event
			e.ID, e.Kind, d = 0, journal.DHCPIgnored, map[string]any{"message": words[1], "client": words[2]}
			if len(words) > 3 {
				e.Kind, d["reply"] = journal.DHCPAnswered, words[3]
			}
		case "ignored":
			e.Kind, d = journal.DHCPIgnored, map[string]any{"message": words[1], "client": words[2], "rule": words[3], "server": "10.0.0.66"}
		case "rogue":
			e.Kind, d = journal.DHCPRogue, map[string]any{"server": words[1]}
		case "conflict":
			e.Kind, d = journal.DHCPConflict, map[string]any{"message": "DECLINE", "client": "pxe"}
		case "tftp":
			e.Kind, d = journal.TFTPSent, map[string]any{"file": words[1], "bytes": 1000, "retries": 1, "block": 1468}
		case "size":
			e.Kind, d = journal.TFTPSent, map[string]any{"file": words[1], "size_only": true}
		case "stalled":
			e.Kind, d = journal.TFTPFailed, map[string]any{"file": words[1], "reason": "stalled", "stalled_at": len(words[2]), "block": uint16(1468)}
		case "silent": // as is noticed 29 s later
			e.Kind, d = journal.TFTPFailed, map[string]any{"file": words[1], "reason": "stalled", "stalled_at": 1, "block": uint16(1468), "ms": 29000}
		case "aborted":
			e.Kind, d = journal.TFTPFailed, map[string]any{"file": words[1], "reason": "aborted"}
		case "http":
			e.Kind, d = journal.HTTPSent, map[string]any{"file": words[1], "bytes": int64(2000)}
		case "broke":
			e.Kind, d = journal.HTTPSent, map[string]any{"file": words[1], "aborted": true}
		case "script":
			e.Kind, d = journal.HTTPSent, map[string]any{"file": "script", "script": words[1]}
		case "refused":
			e.Kind, d = journal.HTTPRefused, map[string]any{"reason": words[1]}
		case "lacking":
			e.Kind, d = journal.TFTPFailed, map[string]any{"reason": "optional", "file": words[1]}
		case "answers":
			e.Kind, d = journal.HTTPSent, map[string]any{"file": "preseed.cfg", "answers": true}
		case "agent":
			e.Kind = journal.AgentCheckIn
		case "distrust":
			e.Kind, d = journal.AgentRefused, map[string]any{"reason": "certificate", "alert": "bad certificate"}
		case "phone":
			e.Kind = journal.PhoneHome
		default:
			t.Fatalf("nobody says %q", l.what)
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &e.Detail); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// The firmware's ways, as integration/qemu and the captures show them.
var (
	dora = []line{{2.7, "DISCOVER pxe"}, {6.6, "REQUEST pxe"}}
	load = append(slices.Clone(dora), line{6.61, "size ipxe.efi"}, line{6.7, "tftp ipxe.efi"})
	ipxe = append(slices.Clone(load), line{7, "DISCOVER ipxe"}, line{7.01, "REQUEST ipxe"}, line{7.02, "aborted autoexec.ipxe"})
	kern = append(slices.Clone(ipxe), line{7.1, "script agent"}, line{7.2, "http vmlinuz"}, line{7.3, "http initrd"})
)

// six is OVMF over IPv6: it configures its port, and asks again as a loader's client.
var (
	six6  = []line{{2, "SOLICIT os"}, {3, "REQUEST6 os"}, {4, "SOLICIT pxe"}, {5, "REQUEST6 pxe"}}
	kern6 = append(slices.Clone(six6), line{6, "tftp ipxe.efi"}, line{7, "SOLICIT ipxe"}, line{8, "REQUEST6 ipxe"}, line{8.1, "script agent"}, line{8.2, "http vmlinuz"}, line{8.3, "http initrd"})
)

// with is what was said, and then more.
func with(lines []line, more ...line) []line { return append(slices.Clone(lines), more...) }

// after is what was said, so many seconds later.
func after(seconds float64, lines []line) (out []line) {
	for _, l := range lines {
		out = append(out, line{l.at + seconds, l.what})
	}
	return out
}

func TestEventsAreJoinedIntoBoots(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []line
		want  []string // stage and result of each
	}{
		{"nothing", nil, nil},
		{"UEFI by TFTP to the agent", with([]line{{0, "power cycle"}}, with(kern, line{9, "DISCOVER os"}, line{9.1, "REQUEST os"}, line{9.5, "agent"})...), []string{"agent booted"}},
		{"UEFI by HTTP", []line{{2, "DISCOVER http"}, {6, "REQUEST http"}, {6.1, "http ipxe.efi"}, {7, "DISCOVER ipxe"}, {7, "REQUEST ipxe"}, {7.1, "script agent"}, {7.2, "http vmlinuz"}}, []string{"kernel stopped"}},
		{"an option ROM that is iPXE", []line{{2, "DISCOVER ipxe"}, {2.1, "REQUEST ipxe"}, {2.2, "script local-disk"}}, []string{"local-disk disk"}},
		{"TFTP stalls and HTTP boot, tried meanwhile, works", with(dora, line{30, "DISCOVER http"}, line{34, "REQUEST http"}, line{34.1, "http ipxe.efi"}, line{36, "silent ipxe.efi"}), []string{"ack stopped", "loader stopped"}},
		{"PXE fails and HTTP boot is tried", with(dora, line{70, "DISCOVER http"}, line{74, "REQUEST http"}), []string{"ack stopped", "ack stopped"}},
		{"deployed: the agent, then its own disk, then the system", with(with(kern, line{9, "agent"}), line{200, "DISCOVER pxe"}, line{204, "REQUEST pxe"}, line{205, "tftp ipxe.efi"}, line{206, "DISCOVER ipxe"},
			line{206, "REQUEST ipxe"}, line{206, "script local-disk"}, line{230, "DISCOVER os"}, line{231, "REQUEST os"}, line{260, "phone"}), []string{"agent booted", "first-boot booted"}},
		{"two boots by the BMC without a packet", []line{{0, "power cycle"}, {400, "power cycle"}}, []string{"power stopped", "power stopped"}},
		{"U-Boot, which calls itself what its builder likes", []line{{2, "DISCOVER os uboot"}, {3, "REQUEST os uboot"}, {4, "script agent"}}, []string{"script stopped"}},
		{"off and on is one", []line{{0, "power on"}, {5, "power reset"}, {9, "DISCOVER pxe"}}, []string{"offer stopped"}},
		{"asked again after a pause", with(dora[:1], after(300, dora)...), []string{"offer stopped", "ack stopped"}},
		{"a question repeated is one boot", with(dora[:1], after(4, dora)...), []string{"ack stopped"}},
		{"memory is tried for minutes", with([]line{{0, "power on"}}, after(600, dora)...), []string{"ack stopped"}},
		{"an installer", []line{{2, "DISCOVER ipxe"}, {2, "REQUEST ipxe"}, {2, "script system"}, {3, "http linux"}, {9, "DISCOVER os"}, {9, "REQUEST os"}, {10, "answers"}}, []string{"installer booted"}},
		{"UEFI over IPv6 to the agent", with([]line{{0, "power cycle"}}, with(kern6, line{12, "SOLICIT os"}, line{12, "REQUEST6 os"}, line{13, "agent"})...), []string{"agent booted"}},
		{"UEFI over IPv6 by itself", kern6, []string{"ramdisk stopped"}},
		{"IPv6 without addresses", []line{{2, "REQUEST6 pxe no-address"}, {3, "SOLICIT pxe no-address"}}, []string{"discover stopped"}},
		{"a system renews over IPv6", []line{{2, "SOLICIT os"}, {3, "REQUEST6 os"}}, nil},
		{"packets of no event", []line{{0, "power cycle"}, {2, "packet DISCOVER pxe OFFER"}, {6, "packet REQUEST pxe ACK"}}, []string{"ack stopped"}},
		{"a system that starts by itself", []line{{2, "DISCOVER os"}, {2, "REQUEST os"}}, []string{"local-disk disk"}},
	} {
		list := attempt.Of(events(t, c.lines), noon.Add(time.Hour))
		var got []string
		for _, a := range list {
			got = append(got, string(a.Stage)+" "+string(a.Result))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestABootTellsHowLongEachStageTookAndWhatWasSent(t *testing.T) {
	list := attempt.Of(events(t, with([]line{{0, "power on"}}, with(kern, line{9.3, "agent"})...)), noon.Add(time.Minute))
	if len(list) != 1 {
		t.Fatal(list)
	}
	a := list[0]
	var got []string
	for _, p := range a.Stages {
		got = append(got, string(p.Stage)+" "+(time.Duration(p.MS)*time.Millisecond).String())
	}
	want := "power 0s discover 2.7s offer 0s ack 3.9s loader 100ms ipxe 300ms script 100ms kernel 100ms ramdisk 100ms agent 2s"
	if strings.Join(got, " ") != want || a.Bytes != 5000 || a.Retries != 1 || a.Client != "pxe" || !slices.Equal(a.Servers, []string{"ours"}) || a.ID != 1 || a.Last != 12 || a.Cause != "bmc" {
		t.Errorf("%s\n%+v", got, a)
	}
}

func TestABootThatGoesOnIsNotJudgedYet(t *testing.T) {
	list := attempt.Of(events(t, dora), noon.Add(8*time.Second))
	if list[0].Result != attempt.Going || attempt.Diagnose(&inventory.Machine{}, list, time.Time{}, noon.Add(8*time.Second)) != nil {
		t.Error(list)
	}
}
