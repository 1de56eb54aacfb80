package boot

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rackwright/inventory"
)

func TestEveryLoaderIsToldTheSameInItsTongue(t *testing.T) {
	mac := inventory.MAC{0x52, 0x54, 0, 0x77, 0, 1}
	h := &Host{Name: "r1-u10", MAC: mac, Intent: RunAgent}
	installer := System{Name: "debian-installer", Kernel: "kernel", Initrds: []string{"initrd", "initrd.firmware"},
		Args: "auto=true preseed/url=http://10.0.0.1:8080/boot/a/t0ken/preseed.cfg ds=nocloud;s=x/ ---"}
	for _, name := range []string{"grub", "pxelinux"} {
		l := TongueNamed(name)
		golden(t, "local-disk."+name, l.LocalDisk("r1-u10", inventory.UEFI))
		golden(t, "stranger."+name, l.Stranger(mac))
		golden(t, "agent."+name, l.Agent(h, exampleAgent()))
		golden(t, "installer."+name, l.System(h, installer, "http://10.0.0.1:8080/boot/k/n0nce/part"))
		golden(t, "retry."+name, l.Retry(mac, "the server cannot say", "http://10.0.0.1:8080/boot/script?mac=52:54:00:77:00:01&format="+name))
	}
	if TongueNamed("lilo") != nil {
		t.Error("a tongue nobody speaks")
	}
}

func TestGRUBTakesWhatItIsTold(t *testing.T) {
	check, err := exec.LookPath("grub-script-check")
	if err != nil {
		t.Skip("needs grub-script-check: apt-get install grub-common")
	}
	files, err := filepath.Glob("testdata/*.grub")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if out, err := exec.Command(check, f).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", f, err, out)
		}
	}
}

func TestNoNameBecomesACommandInAnyTongue(t *testing.T) {
	h := &Host{Name: "evil'\nreboot; $(x)\nLABEL y", MAC: inventory.MAC{2}}
	s := System{Name: h.Name, Kernel: "kernel", Args: "quiet'\nreboot ;"}
	for _, name := range []string{"grub", "pxelinux"} {
		for _, text := range []string{TongueNamed(name).LocalDisk(h.Name, ""), TongueNamed(name).System(h, s, "http://10.0.0.1/k")} {
			if strings.Count(text, "\nreboot") > strings.Count(text, "sleep 30\nreboot") || strings.Count(text, "\nLABEL") > 1 || name == "grub" && strings.Count(text, "'")%2 != 0 {
				t.Errorf("%s:\n%s", name, text)
			}
		}
	}
}

func TestTheNamesThatLoadersTryAreUnderstood(t *testing.T) {
	mac, addr := inventory.MAC{0x52, 0x54, 0, 0x77, 0, 1}, netip.MustParseAddr("192.168.0.1")
	const id = "4c4c4544-0031-4a10-8051-b4c04f4d3132"
	for name, want := range map[string]Wanted{
		"pxelinux.cfg/01-52-54-00-77-00-01":             {Tongue: "pxelinux", MAC: mac},
		"/boot/pxelinux.cfg/01-52-54-00-77-00-01":       {Tongue: "pxelinux", MAC: mac},
		"pxelinux.cfg/C0A80001":                         {Tongue: "pxelinux", Addr: addr},
		"grub.cfg-01-52-54-00-77-00-01":                 {Tongue: "grub", MAC: mac},
		"/grub/grub.cfg-C0A80001":                       {Tongue: "grub", Addr: addr},
		"/grub/grub.cfg":                                {Tongue: "grub"},
		"52:54:00:77:00:01/boot.ipxe":                   {Tongue: "ipxe", MAC: mac},
		"mac-52-54-00-77-00-01/grub.cfg":                {Tongue: "grub", MAC: mac},
		"/grub/grub.cfg-fd86-0-0-0-0-0-0-11":            {Tongue: "grub", Addr: netip.MustParseAddr("fd86::11")},
		"pxelinux.cfg/" + id:                            {Tongue: "pxelinux", UUID: id},
		"/grub/grub.cfg-" + strings.ToUpper(id):         {Tongue: "grub", UUID: id},
		id + "/boot.ipxe":                               {Tongue: "ipxe", UUID: id},
		id + "/passwd":                                  {},
		"grub.cfg-fd86-0-0-0-0-0-11":                    {},
		"grub.cfg-4c4c4544-0031-4a10-80510-b4c04f4d313": {},
		"pxelinux.cfg/C0A800":                           {},
		"pxelinux.cfg/default":                          {},
		"pxelinux.cfg/20-52-54-00-77-00-01":             {},
		"pxelinux.cfg/52-54-00-77-00-01":                {},
		"grub.cfg-01-00-00-00-00-00-00":                 {},
		"52:54:00:77:00:01/passwd":                      {},
		"":                                              {}, "/": {}, "..": {},
	} {
		got, ok := ParseFileName(name)
		if ok != (want.Tongue != "") || ok && got != want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

func TestAUUIDIsReadInBothByteOrders(t *testing.T) {
	if got := Swapped("4c4c4544-0031-4a10-8051-b4c04f4d3132"); got != "44454c4c-3100-104a-8051-b4c04f4d3132" {
		t.Error(got)
	}
	if got := Swapped("nonsense"); got != "" {
		t.Error(got)
	}
}

func FuzzFileNames(f *testing.F) {
	f.Add("pxelinux.cfg/01-52-54-00-77-00-01")
	f.Add("a/grub.cfg-C0A80001")
	f.Add("grub.cfg-fd86-0-0-0-0-0-0-11")
	f.Add("4c4c4544-0031-4a10-8051-b4c04f4d3132/boot.ipxe")
	f.Fuzz(func(t *testing.T, name string) {
		if w, ok := ParseFileName(name); ok && TongueNamed(w.Tongue) == nil {
			t.Errorf("%q: %+v", name, w)
		}
	})
}
