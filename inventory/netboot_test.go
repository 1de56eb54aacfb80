package inventory

import "testing"

func TestAMachineNetbootsAsItIsSaidOfItElseOfItsModel(t *testing.T) {
	model := func(n Netboot, https bool) *Model { return &Model{Build: Build{Netboot: n, HTTPS: https}} }
	for name, c := range map[string]struct {
		m     Machine
		model *Model
		want  Netboot
	}{
		"nothing is said":                 {Machine{Firmware: UEFI}, nil, NetbootPXE},
		"its model says nothing":          {Machine{Firmware: UEFI}, model("", false), NetbootPXE},
		"its model says http":             {Machine{Firmware: UEFI}, model(NetbootHTTP, false), NetbootHTTP},
		"its model loads over HTTPS":      {Machine{Firmware: UEFI}, model("", true), NetbootHTTP},
		"over HTTPS, but netboots by PXE": {Machine{Firmware: UEFI}, model(NetbootPXE, true), NetbootPXE},
		"it says so itself":               {Machine{Firmware: UEFI, Netboot: NetbootHTTP}, nil, NetbootHTTP},
		"it is not as its model":          {Machine{Firmware: UEFI, Netboot: NetbootPXE}, model(NetbootHTTP, true), NetbootPXE},
		"BIOS of a model that says http":  {Machine{Firmware: BIOS}, model(NetbootHTTP, false), NetbootPXE},
	} {
		if got := NetbootOf(&c.m, c.model); got != c.want {
			t.Errorf("%s: by %s, want %s", name, got, c.want)
		}
	}
}
