package boot

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"rackwright/inventory"
)

func TestALadderHasTheLoadersThatAreThere(t *testing.T) {
	for arch, want := range map[Arch][]Kind{ArchBIOS: {BuiltIn}, ArchX64: {BuiltIn}, ArchARM64HTTP: {BuiltIn}, ArchIA32: {}, ArchUnknown: nil} {
		if got := arch.Rungs(NewLoaders()); !slices.Equal(got, want) {
			t.Errorf("%s: %q", arch, got)
		}
	}
}

func TestALoadersFileTellsItsKind(t *testing.T) {
	for file, want := range map[string]Kind{"ipxe.efi": BuiltIn, "shim/grubx64.efi": Shim, "shim/": BuiltIn, "ipxe-signed/ipxe.efi": SignedIPXE, "snponly/snponlyx64.efi": SNP} {
		if got := KindOfFile(file); got != want || Sole(file) {
			t.Errorf("%s: %q", file, got)
		}
	}
	if !Sole("undionly.kpxe") {
		t.Error("BIOS has another loader")
	}
}

func TestOneIsToldWhichLoaderAndWhy(t *testing.T) {
	shelf := NewLoaders()
	for _, name := range []string{"shim/shimx64.efi", "snponly/snponlyx64.efi"} {
		shelf.files = append(shelf.files, newLoader(name, "", "", []byte("MZ")))
	}
	host := func(model string, firmware inventory.Firmware) *Host {
		return &Host{Machine: "m1", MAC: inventory.MAC{2, 0, 0, 0, 0, 1}, Address: netip.MustParseAddr("10.0.0.1"), Model: model, Firmware: firmware}
	}
	for _, c := range []struct {
		name   string
		host   *Host
		arch   Arch
		pinned Kind
		rung   Rung
		want   Kind
		why    string
	}{
		{"the first", host("blade", ""), ArchX64, BuiltIn, Rung{}, BuiltIn, "no loader worked yet for model blade; built-in is tried; rung 1 of 3 for firmware uefi-x64"},
		{"another is tried", host("blade", ""), ArchX64HTTP, BuiltIn, Rung{Kind: Shim}, Shim, "no loader worked yet for model blade; shim is tried; rung 3 of 3 for firmware uefi-x64-http"},
		{"it worked", host("blade", ""), ArchX64, BuiltIn, Rung{SNP, true}, SNP, "remembered: snponly worked for model blade; rung 2 of 3 for firmware uefi-x64"},
		{"the plan says", host("blade", ""), ArchX64, Shim, Rung{SNP, true}, Shim, "the plan names shim for model blade; rung 3 of 3 for firmware uefi-x64"},
		{"firmware is not named, and planned", host("blade", inventory.BIOS), ArchUnknown, BuiltIn, Rung{}, BuiltIn, "no loader worked yet for model blade; built-in is tried; rung 1 of 1 for firmware bios"},
		{"BIOS has but one", host("blade", ""), ArchBIOS, Shim, Rung{}, BuiltIn, "the plan names shim for model blade; for firmware bios it is not here, so built-in"},
		{"there is none here", host("blade", ""), ArchARM64, BuiltIn, Rung{SNP, true}, BuiltIn, "remembered: snponly worked for model blade; for firmware uefi-arm64 it is not here, so built-in"},
		{"there is none at all", host("blade", ""), ArchIA32, BuiltIn, Rung{}, BuiltIn, "firmware uefi-ia32 is told of no loader"},
		{"no model", host("", ""), ArchX64, BuiltIn, Rung{}, BuiltIn, "it has no model, so built-in"},
	} {
		v := NewView(1, nil, []*Host{c.host}).With(&Delta{Revision: 2, Models: &Models{Loaders: map[string]Kind{"blade": c.pinned}, Rungs: map[string]Rung{"blade": c.rung}}})
		kind, why := v.Told(c.host, c.host.As(c.arch), shelf)
		if kind != c.want || why != c.why {
			t.Errorf("%s: %q, %s", c.name, kind, why)
		}
		if file := (Client{Class: PXE, Arch: c.host.As(c.arch)}).Next("", v.LoaderOf(c.host), shelf); file != "" && KindOfFile(file) != kind || strings.Contains(why, "no loader") && c.arch == ArchIA32 && file != "" {
			t.Errorf("%s: %s is sent, %q is said", c.name, file, kind)
		}
	}
}

func TestALoaderIsOfferedToWhoCanBeToldOfIt(t *testing.T) {
	shelf := NewLoaders()
	shelf.files = append(shelf.files, newLoader("shim/shimx64.efi", "", "", []byte("MZ")))
	for _, c := range []struct {
		kind    Kind
		mode    inventory.Firmware
		machine string
		want    bool
	}{
		{BuiltIn, "", "", true}, {BuiltIn, inventory.BIOS, "amd64", true}, {BuiltIn, inventory.BIOS, "arm64", false}, {BuiltIn, inventory.UEFI, "arm64", true},
		{Shim, "", "", true}, {Shim, inventory.UEFI, "", true}, {Shim, inventory.UEFI, "amd64", true}, {Shim, inventory.UEFI, "arm64", false}, {Shim, inventory.BIOS, "", false}, {SNP, "", "", false},
	} {
		if got := shelf.Offers(c.kind, c.mode, c.machine); got != c.want {
			t.Errorf("%s to %q %q: %t", c.kind, c.mode, c.machine, got)
		}
		if (*Loaders)(nil).Offers(c.kind, c.mode, c.machine) != (c.want && c.kind == BuiltIn) {
			t.Errorf("%s to %q %q by no shelf", c.kind, c.mode, c.machine)
		}
	}
}
