package dhcp

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/boot"
	"rackwright/boot/boottest"
)

func firmwareOf(class string, arch boot.Arch) []dhcpv4.Modifier {
	return []dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptClassIdentifier(class)),
		dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.OptionClientSystemArchitectureType, binary.BigEndian.AppendUint16(nil, uint16(arch))))}
}

func TestAModelsLoaderIsNamedWhereTheServerHasIt(t *testing.T) {
	shelf := boottest.Shelf(t, "shim/shimx64.efi")
	own := []netip.Addr{ourAddr}
	w := newWorld(nil)
	host := *w.view.Host(knownMAC)
	host.Model = "signed"
	for _, c := range []struct {
		name   string
		class  string
		arch   boot.Arch
		shelf  *boot.Loaders
		file   string
		server bool
		https  uint16 // our port, and its model trusts us
	}{
		{"by TFTP", "PXEClient", boot.ArchX64, shelf, "shim/shimx64.efi", true, 0},
		{"by TFTP, and trusts us", "PXEClient", boot.ArchX64, shelf, "shim/shimx64.efi", true, 8444},
		{"by HTTP", "HTTPClient", boot.ArchX64HTTP, shelf, "http://10.0.0.1:8080/boot/shim/shimx64.efi", true, 0},
		{"by HTTPS", "HTTPClient", boot.ArchX64HTTP, shelf, "https://10.0.0.1:8444/boot/shim/shimx64.efi", true, 8444},
		{"that is not there", "PXEClient", boot.ArchX64, nil, "ipxe.efi", true, 0},
		{"IA32 UEFI has none", "PXEClient", boot.ArchIA32, shelf, "", false, 0},
		{"U-Boot is its own", "U-Boot.armv8", boot.ArchARM64UBoot, shelf, "", true, 0},
	} {
		in := Inbound{Message: message(dhcpv4.MessageTypeDiscover, knownMAC, firmwareOf(c.class, c.arch)...), Addresses: own, Own: own, To: broadcast(), At: testTime}
		view := w.view.With(&boot.Delta{Revision: 2, Machines: map[string][]*boot.Host{host.Machine: {&host}},
			Models: &boot.Models{Loaders: map[string]boot.Kind{"signed": boot.Shim}, HTTPS: map[string]bool{"signed": c.https != 0}}})
		ans := Decide(view, in, Settings{HTTPPort: 8080, HTTPSPort: 8444, Loaders: c.shelf})
		if ans.Reply == nil {
			t.Fatalf("%s: %s", c.name, ans.Rule)
		}
		if got := ans.Reply.BootFileNameOption(); got != c.file || ans.Reply.BootFileName != c.file || (addr(ans.Reply.ServerIPAddr) == ourAddr) != c.server {
			t.Errorf("%s: %q from %s", c.name, got, ans.Reply.ServerIPAddr)
		}
	}
}
