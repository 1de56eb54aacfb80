package attempt

import (
	"testing"
	"time"

	"rackwright/journal"
)

func TestALoaderWorkedWhenItAskedForAScript(t *testing.T) {
	event := func(kind journal.Kind, detail map[string]any) journal.Event {
		return journal.Event{Kind: kind, Machine: "m1", Detail: detail}
	}
	loader := event(journal.TFTPSent, map[string]any{"file": "shim/shimx64.efi"})
	second := event(journal.TFTPSent, map[string]any{"file": "shim/grubx64.efi"})
	size := event(journal.TFTPSent, map[string]any{"file": "shim/shimx64.efi", "size_only": true})
	script := event(journal.HTTPSent, map[string]any{"file": "script", "script": "agent"})
	refused := event(journal.HTTPRefused, map[string]any{"file": "script"})
	kernel := event(journal.HTTPRefused, map[string]any{"file": "vmlinuz"})
	own := event(journal.HTTPSent, map[string]any{"file": "script", "script": "local-disk"})
	ipxe := event(journal.DHCPAnswered, map[string]any{"message": "DISCOVER", "client": "ipxe", "reply": "OFFER"})
	again := event(journal.DHCPAnswered, map[string]any{"message": "DISCOVER", "client": "pxe", "reply": "OFFER", "arch": "uefi-x64"})
	solicit := event(journal.DHCPAnswered, map[string]any{"message": "SOLICIT", "client": "http", "reply": "ADVERTISE", "arch": "uefi-x64"})
	later := func(e journal.Event, after time.Duration) journal.Event { e.At = e.At.Add(after); return e }
	system := event(journal.DHCPAnswered, map[string]any{"message": "DISCOVER", "client": "os", "reply": "OFFER"})
	for _, c := range []struct {
		name   string
		events []journal.Event
		known  bool
		want   Outcome
	}{
		{"a script came", []journal.Event{again, size, loader, second, ipxe, script}, true, Outcome{Machine: "m1", File: "shim/grubx64.efi", Worked: true}},
		{"its own disk is a script too", []journal.Event{again, loader, own}, true, Outcome{Machine: "m1", File: "shim/shimx64.efi", Worked: true}},
		{"the firmware asks again", []journal.Event{again, loader, again}, true, Outcome{Machine: "m1", File: "shim/shimx64.efi", Arch: "uefi-x64"}},
		{"the firmware asks again by IPv6", []journal.Event{again, loader, solicit}, true, Outcome{Machine: "m1", File: "shim/shimx64.efi", Arch: "uefi-x64"}},
		{"the system asks by IPv6", []journal.Event{again, loader, event(journal.DHCPAnswered, map[string]any{"message": "SOLICIT", "client": "os"})}, false, Outcome{}},
		{"it ran for long before", []journal.Event{again, loader, later(again, tellsFor+time.Second)}, false, Outcome{}},
		{"it hung for long", []journal.Event{again, loader, later(again, tellsFor)}, true, Outcome{Machine: "m1", File: "shim/shimx64.efi", Arch: "uefi-x64", At: time.Time{}.Add(tellsFor)}},
		{"nothing yet", []journal.Event{again, loader, ipxe}, false, Outcome{}},
		{"a size is no loader", []journal.Event{again, size, again}, false, Outcome{}},
		{"the system says nothing", []journal.Event{again, loader, system}, false, Outcome{}},
		{"its script was refused", []journal.Event{again, loader, refused, again}, false, Outcome{}},
		{"it asked until it was given one", []journal.Event{again, loader, refused, script}, true, Outcome{Machine: "m1", File: "shim/shimx64.efi", Worked: true}},
		{"a kernel that was refused is none", []journal.Event{again, loader, kernel, again}, true, Outcome{Machine: "m1", File: "shim/shimx64.efi", Arch: "uefi-x64"}},
		{"it is said once", []journal.Event{again, loader, script, again}, false, Outcome{}},
	} {
		var f Fetched
		var got Outcome
		known := false
		for _, e := range c.events {
			got, known = f.Tell(e)
		}
		if known != c.known || known && got != c.want {
			t.Errorf("%s: %+v, %t", c.name, got, known)
		}
	}
}

func TestAFloodOfMachinesIsForgotten(t *testing.T) {
	var f Fetched
	for i := range 3 * mostFetched {
		f.Tell(journal.Event{Kind: journal.TFTPSent, Machine: string(rune(i)), Detail: map[string]any{"file": "ipxe.efi"}})
	}
	if len(f.open) > mostFetched {
		t.Error(len(f.open))
	}
}
