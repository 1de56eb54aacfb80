package racksim

import (
	"slices"
	"testing"

	"rackwright/fault"
)

func setupOf(t *testing.T, firmware string) *BootSetup {
	t.Helper()
	rack, err := Parse([]byte(minimal(`, firmware: ` + firmware + `, nics: [{mac: "52:54:00:00:00:01"}, {mac: "52:54:00:00:00:02"}], disks: [{size: 1GiB}, {size: 1GiB}]`)))
	if err != nil {
		t.Fatal(err)
	}
	return NewBootSetup(rack.Machines[0])
}

func TestStandingOrderIsNetworkThenDisksThenMedia(t *testing.T) {
	if got := setupOf(t, BIOS).Next().Order; !slices.Equal(got, []string{"nic1", "disk1", "disk2", "cd"}) {
		t.Errorf("order %v", got)
	}
}

func TestOneTimeOverrideIsConsumedByOneStart(t *testing.T) {
	s := setupOf(t, BIOS)
	if err := s.SetOverride(Override{Enabled: Once, Target: TargetCD}); err != nil {
		t.Fatal(err)
	}
	if got := s.Next().Order[0]; got != Media {
		t.Errorf("first start from %s", got)
	}
	if got := s.Next().Order[0]; got != "nic1" {
		t.Errorf("second start from %s", got)
	}
	if o := s.Override(); o.Enabled != Disabled || o.Target != TargetNone {
		t.Errorf("override is %+v", o)
	}
}

func TestContinuousOverrideStaysUntilDisabled(t *testing.T) {
	s := setupOf(t, UEFI)
	if err := s.SetOverride(Override{Enabled: Continuous, Target: TargetUEFIHTTP, HTTPURI: "http://x/y"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := s.Next().HTTP; got == nil || got.URI != "http://x/y" {
			t.Errorf("http boot %+v", got)
		}
	}
	if err := s.SetOverride(Override{Enabled: Disabled, Target: TargetUEFIHTTP}); err != nil {
		t.Fatal(err)
	}
	if got := s.Next().HTTP; got != nil {
		t.Errorf("http boot %+v after it was disabled", got)
	}
}

func TestFirmwareThatNetbootsByHTTPDoesSoWhereTheNetworkIsFirst(t *testing.T) {
	rack, err := Parse([]byte(minimal(`, firmware: uefi, http_boot: true, nics: [{mac: "52:54:00:00:00:01"}], disks: [{size: 1GiB}]`)))
	if err != nil {
		t.Fatal(err)
	}
	s := NewBootSetup(rack.Machines[0])
	if err := s.SetOverride(Override{Enabled: Once, Target: TargetPXE}); !fault.Is(err, fault.Invalid) {
		t.Errorf("told to netboot by PXE: %v", err)
	}
	for target, byHTTP := range map[string]bool{TargetNone: true, TargetUEFIHTTP: true, TargetDisk: false, TargetSetup: false} {
		if err := s.SetOverride(Override{Enabled: Once, Target: target}); err != nil {
			t.Fatal(err)
		}
		if got := s.Next().HTTP; (got != nil) != byHTTP {
			t.Errorf("told %s: http boot %+v", target, got)
		}
	}
}

func TestFirmwareRefusesWhatItCannotDo(t *testing.T) {
	s := setupOf(t, BIOS)
	for _, o := range []Override{{Once, TargetUEFIHTTP, ""}, {Once, "Floppy", ""}, {"Twice", TargetPXE, ""}} {
		if err := s.SetOverride(o); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, order := range [][]string{{"nic2"}, {"disk1", "disk1"}} { // nic2 does not boot
		if err := s.SetOrder(order); !fault.Is(err, fault.Invalid) {
			t.Errorf("order %v: %v", order, err)
		}
	}
}

func TestChangedOrderKeepsTheDevicesLeftOut(t *testing.T) {
	s := setupOf(t, BIOS)
	if err := s.SetOrder([]string{"disk2"}); err != nil {
		t.Fatal(err)
	}
	if got := s.Order(); !slices.Equal(got, []string{"disk2", "nic1", "disk1", "cd"}) {
		t.Errorf("order %v", got)
	}
}
