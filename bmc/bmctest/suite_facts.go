package bmctest

import (
	"slices"
	"strings"
	"testing"

	"rackwright/fault"
	"rackwright/inventory"
)

func (s suite) facts(t *testing.T) {
	f, err := s.dial(t).Facts(s.context(t))
	ok(t, "Facts", err)
	if f.Source != s.hooks.Source || f.Observed.IsZero() {
		t.Errorf("source %q, observed %v", f.Source, f.Observed)
	}
	if f.System.Serial == "" && f.System.UUID == "" {
		t.Error("neither serial number nor UUID: the machine cannot be identified")
	}
	if f.System.UUID != strings.ToLower(f.System.UUID) {
		t.Errorf("UUID %s is not in lower case", f.System.UUID)
	}
	if f.MemoryMiB <= 0 && f.Source == "redfish" && !s.hooks.Stranger {
		t.Errorf("%d MiB of memory", f.MemoryMiB)
	}
	var macs []inventory.MAC
	for _, nic := range f.NICs {
		if nic.MAC.IsZero() || slices.Contains(macs, nic.MAC) {
			t.Errorf("NIC %q has the address %q, empty or seen before", nic.Name, nic.MAC)
		}
		macs = append(macs, nic.MAC)
	}
	for _, d := range f.Disks {
		if d.Bytes <= 0 {
			t.Errorf("disk %+v has no size", d)
		}
	}
}

func (s suite) identity(t *testing.T) {
	c := s.dial(t)
	light, err := c.Identity(s.context(t))
	ok(t, "Identity", err)
	full, err := c.Facts(s.context(t))
	ok(t, "Facts", err)
	if light.Source != s.hooks.Source || light.Observed.IsZero() || light.System != full.System || !slices.Equal(light.NICs, full.NICs) {
		t.Errorf("identity %+v, facts %+v", light, full)
	}
}

func (s suite) locate(t *testing.T) {
	c := s.dial(t)
	if s.hooks.NoLED && s.hooks.Stranger {
		t.Skip("it has no locator LED that can be switched")
	}
	if s.hooks.NoLED {
		if err := c.Locate(s.context(t), true); !fault.Is(err, fault.Invalid) || fault.HintOf(err) == "" {
			t.Errorf("Locate = %v, want Invalid with a hint", err)
		}
		return
	}
	for _, on := range []bool{true, true, false, false} {
		ok(t, "Locate", c.Locate(s.context(t), on))
		if s.hooks.Lit != nil && s.hooks.Lit() != on {
			t.Fatalf("the LED is lit: %t, want %t", !on, on)
		}
	}
}
