package boot_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/inventory"
)

func saved(t testing.TB, v *boot.View) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := v.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestASavedViewAnswersAsTheOneItWas(t *testing.T) {
	list, hosts := hall(50)
	hosts = append(hosts, &boot.Host{Machine: "six", Name: "six", MAC: inventory.MAC{2, 6}, UUID: "7f3c8c52-1d2b-4a10-9c7e-0123456789ab", Address6: netip.MustParseAddr("2001:db8::6")})
	hosts = append(hosts, &boot.Host{Machine: "x", Name: "bare", MAC: inventory.MAC{2}, Firmware: inventory.BIOS})
	hosts = append(hosts, &boot.Host{Machine: "y", Name: "owner", MAC: inventory.MAC{2, 2}, Address: netip.MustParseAddr("10.9.9.9"), BMC: true},
		&boot.Host{Machine: "z", Name: "elsewhere", MAC: inventory.MAC{2, 3}, BMC: true})
	v := boot.NewView(4711, list, hosts).With(&boot.Delta{Revision: 4711, Installation: "7f3c8c52-1d2b-4a10-9c7e-aaaaaaaaaaaa"})
	back, err := boot.ReadView(saved(t, v))
	if err != nil {
		t.Fatal(err)
	}
	if h := back.HostAt(netip.MustParseAddr("2001:db8::6")); h == nil || h.Name != "six" || back.MachineOf(h.UUID) != "six" || back.Installation() != v.Installation() {
		t.Errorf("by its IPv6 address it is %+v", h)
	}
	if back.Revision != 4711 || len(back.Networks()) != 2 || back.Networks()[0].DHCP != inventory.DHCPReservations {
		t.Errorf("revision %d, networks %+v", back.Revision, back.Networks())
	}
	sameView(t, back, boot.NewView(1, back.Networks(), slices.Collect(v.All())), hosts)
}

func TestASavedViewAsksNobodyToLoadAnInstaller(t *testing.T) {
	h := &boot.Host{Machine: "m1", Name: "n1", MAC: inventory.MAC{2, 1}, Intent: boot.RunAgent, Operation: "the secret work"}
	text := saved(t, boot.NewView(1, nil, []*boot.Host{h}))
	back, err := boot.ReadView(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Host(h.MAC); got == nil || got.Intent != boot.LocalDisk || got.Operation != "" || bytes.Contains(text, []byte("secret work")) {
		t.Errorf("it is told %+v", got)
	}
}

func TestSavingMakesNoGarbageForEachMachine(t *testing.T) {
	list, hosts := hall(10_000)
	v := boot.NewView(1, list, hosts)
	if n := testing.AllocsPerRun(3, func() { _ = v.Save(io.Discard) }); n > 1000 {
		t.Errorf("saving 10,000 machines makes %.0f pieces of garbage", n)
	}
}

func TestADamagedViewIsRefused(t *testing.T) {
	list, hosts := hall(5)
	good := saved(t, boot.NewView(1, list, hosts))
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x40
		if _, err := boot.ReadView(bad); !fault.Is(err, fault.Invalid) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := boot.ReadView(good[:i]); !fault.Is(err, fault.Invalid) {
			t.Fatalf("cut after %d bytes: %v", i, err)
		}
	}
	if _, err := boot.ReadView(signed(strings.Replace(string(good[:len(good)-32]), "view 3", "view 2", 1))); !fault.Is(err, fault.Invalid) {
		t.Errorf("of another version: %v", err)
	}
	if _, err := boot.ReadView(signed(string(good[:len(good)-32]) + "more")); !fault.Is(err, fault.Invalid) {
		t.Errorf("with something behind it: %v", err)
	}
}

// signed gives bytes the checksum that gets them past the first look.
func signed(body string) []byte {
	sum := sha256.Sum256([]byte(body))
	return append([]byte(body), sum[:]...)
}

func FuzzReadView(f *testing.F) {
	list, hosts := hall(2)
	good := saved(f, boot.NewView(9, list, hosts))
	f.Add(string(good[:len(good)-32]))
	f.Add("rackwright boot view 2\n\x01\x00")
	f.Add("rackwright boot view 2\n\x01\x04null\xff\xff\xff\xff\x0f")
	f.Fuzz(func(t *testing.T, body string) {
		v, err := boot.ReadView(signed(body))
		if err != nil {
			return
		}
		again, err := boot.ReadView(saved(t, v))
		if err != nil || again.Hosts() != v.Hosts() {
			t.Errorf("what was read cannot be saved and read again: %v", err)
		}
	})
}
