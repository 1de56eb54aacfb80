package boot

import (
	"fmt"
	"slices"
	"strings"

	"rackwright/inventory"
)

// Kind is a kind of loader for UEFI. A model may name one; BIOS has but one.
type Kind string

// The kinds. All but the built-in one come from the operator's folder.
const (
	BuiltIn    Kind = ""            // iPXE with its own drivers, unsigned
	Shim       Kind = "shim"        // shim and signed GRUB of a distribution
	SignedIPXE Kind = "ipxe-signed" // iPXE's own shim and signed iPXE
	SNP        Kind = "snponly"     // iPXE on the firmware's network driver
)

// firm is one sort of firmware and what it loads, by kind of loader.
type firm struct {
	arches  []Arch
	name    string
	mode    inventory.Firmware
	machine string // processor as kernels name it; "": not known
	uboot   bool   // reads its configuration itself
	loaders map[Kind]string
}

// firms is the table of firmware. IA32 UEFI (6, and 15 by HTTP) stands in it to be told
// by name; there is no loader for it, nor a kernel of ours.
func firms() []firm {
	x64 := map[Kind]string{BuiltIn: "ipxe.efi", Shim: "shim/shimx64.efi", SignedIPXE: "ipxe-signed/ipxe-shimx64.efi", SNP: "snponly/snponlyx64.efi"}
	arm64 := map[Kind]string{BuiltIn: "snp.efi", Shim: "shim/shimaa64.efi", SignedIPXE: "ipxe-signed/ipxe-shimaa64.efi"}
	return []firm{
		{[]Arch{ArchBIOS}, "bios", inventory.BIOS, "amd64", false, map[Kind]string{BuiltIn: "undionly.kpxe"}},
		{[]Arch{ArchX64, ArchX64Other}, "uefi-x64", inventory.UEFI, "amd64", false, x64},
		{[]Arch{ArchARM64}, "uefi-arm64", inventory.UEFI, "arm64", false, arm64},
		{[]Arch{ArchX64HTTP}, "uefi-x64-http", inventory.UEFI, "amd64", false, x64},
		{[]Arch{ArchARM64HTTP}, "uefi-arm64-http", inventory.UEFI, "arm64", false, arm64},
		{[]Arch{ArchIA32}, "uefi-ia32", inventory.UEFI, "", false, nil},
		{[]Arch{ArchIA32HTTP}, "uefi-ia32-http", inventory.UEFI, "", false, nil},
		{[]Arch{ArchARMUBoot}, "uboot-arm", "", "", true, nil},
		{[]Arch{ArchARM64UBoot}, "uboot-arm64", "", "arm64", true, nil},
	}
}

var firmware = firms() // never changed; asked for each packet

// firm is the row of the architecture, nil when it has none.
func (a Arch) firm() *firm {
	for i := range firmware {
		if slices.Contains(firmware[i].arches, a) {
			return &firmware[i]
		}
	}
	return nil
}

// file is the loader of the wished kind if the shelf has it, else the built-in one.
func (f *firm) file(wish Kind, shelf *Loaders) string {
	if name := f.loaders[wish]; wish != BuiltIn && name != "" && shelf != nil && shelf.Get(name) != nil {
		return name
	}
	return f.loaders[BuiltIn]
}

// LoaderTable draws the table of firmware and loaders for the pages.
func LoaderTable() string {
	kinds := []Kind{BuiltIn, Shim, SignedIPXE, SNP}
	var b strings.Builder
	b.WriteString("| firmware | 93 | built in | `shim` | `ipxe-signed` | `snponly` |\n|---|---|---|---|---|---|\n")
	for _, f := range firmware {
		var codes []string
		for _, a := range f.arches {
			codes = append(codes, fmt.Sprint(uint16(a)))
		}
		fmt.Fprintf(&b, "| %s | %s |", f.name, strings.Join(codes, ", "))
		for _, k := range kinds {
			switch name := f.loaders[k]; {
			case name != "":
				b.WriteString(" `" + name + "` |")
			case f.uboot && k == BuiltIn:
				b.WriteString(" reads `pxelinux.cfg/01-MAC` itself |")
			case k == BuiltIn:
				b.WriteString(" none |")
			default:
				b.WriteString(" |")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
