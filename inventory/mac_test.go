package inventory_test

import (
	"net"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
)

func TestAMACIsReadInTheFourFormsPeopleWrite(t *testing.T) {
	for _, s := range []string{"52:54:00:ab:cd:ef", "52-54-00-AB-CD-EF", "5254.00ab.cdef", "525400abcdef", " 52:54:00:ab:cd:ef\n"} {
		m, err := inventory.ParseMAC(s)
		if err != nil || m.String() != "52:54:00:ab:cd:ef" || m.Plain() != "525400abcdef" {
			t.Errorf("%q is %s, %v", s, m, err)
		}
	}
}

func TestWhatNoNICHasIsNoMAC(t *testing.T) {
	for _, s := range []string{"", "52:54:00:ab:cd", "52:54:00:ab:cd:ef:00", "52:54:00:ab:cd:eg", "52:5400:ab:cd:ef", "52-54:00:ab:cd:ef", "5254:00ab:cdef",
		"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", strings.Repeat("a", 1<<20)} {
		if m, err := inventory.ParseMAC(s); !fault.Is(err, fault.Invalid) || !m.IsZero() || len(err.Error()) > 200 {
			t.Errorf("%.30q is %s, %v", s, m, err)
		}
	}
}

func TestAMACIsSixBytes(t *testing.T) {
	if m, ok := inventory.MACFrom(net.HardwareAddr{2, 0, 0, 0, 0, 1}); !ok || m.String() != "02:00:00:00:00:01" {
		t.Errorf("got %s, %v", m, ok)
	}
	if _, ok := inventory.MACFrom(make(net.HardwareAddr, 8)); ok {
		t.Error("eight bytes were taken")
	}
}

func TestNoMACIsEmptyText(t *testing.T) {
	m := inventory.MAC{2}
	if err := m.UnmarshalText(nil); err != nil || !m.IsZero() {
		t.Errorf("got %s, %v", m, err)
	}
	if text, err := m.MarshalText(); err != nil || len(text) != 0 {
		t.Errorf("got %q, %v", text, err)
	}
}

func FuzzParseMAC(f *testing.F) {
	for _, s := range []string{"52:54:00:ab:cd:ef", "5254.00ab.cdef", "525400abcdef", "", "ff:ff:ff:ff:ff:ff", "52-54"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := inventory.ParseMAC(s)
		if err != nil {
			return
		}
		if again, err := inventory.ParseMAC(m.String()); err != nil || again != m || m.IsZero() || m[0]&1 == 1 {
			t.Errorf("%q is %s, which is %s, %v", s, m, again, err)
		}
	})
}
