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

func TestTheTFTPServersAddressIsSentToThoseWhoAskForIt(t *testing.T) {
	asks := dhcpv4.WithRequestedOptions(dhcpv4.OptionBootfileName, dhcpv4.GenericOptionCode(tftpServers))
	asksNot := dhcpv4.WithRequestedOptions(dhcpv4.OptionBootfileName)
	pxe, uboot := firmwareOf("PXEClient:Arch:00007:UNDI:003001", boot.ArchX64), firmwareOf("U-Boot.armv8", boot.ArchARM64UBoot)
	elsewhere := netip.MustParseAddr("10.0.0.2")
	for name, c := range map[string]struct {
		mods   []dhcpv4.Modifier
		server netip.Addr // of the boot files, if it is another
		want   string     // option 150: addresses of four bytes (RFC 5859 section 3)
	}{
		"UEFI PXE":                  {append(pxe, asks), netip.Addr{}, "\x0a\x00\x00\x01"},
		"UEFI PXE, roles are split": {append(pxe, asks), elsewhere, "\x0a\x00\x00\x02"},
		"UEFI PXE, not asked for":   {append(pxe, asksNot), netip.Addr{}, ""},
		"U-Boot":                    {append(uboot, asks), netip.Addr{}, "\x0a\x00\x00\x01"},
		"U-Boot, roles are split":   {append(uboot, asks), elsewhere, "\x0a\x00\x00\x02"},
		"U-Boot, not asked for":     {append(uboot, asksNot), netip.Addr{}, ""},
		"UEFI HTTP":                 {append(firmwareOf("HTTPClient:Arch:00016:UNDI:003001", boot.ArchX64HTTP), asks), netip.Addr{}, ""},
		"an installed system":       {[]dhcpv4.Modifier{asks}, netip.Addr{}, ""},
	} {
		own := []netip.Addr{ourAddr}
		in := Inbound{Message: message(discover, knownMAC, c.mods...), Addresses: own, Own: own, To: broadcast(), At: testTime}
		ans := Decide(newWorld(nil).view, in, Settings{HTTPPort: 8080, BootServer: c.server})
		if ans.Reply == nil {
			t.Fatalf("%s: %s", name, ans.Rule)
		}
		read, err := dhcpv4.FromBytes(ans.Reply.ToBytes())
		if err != nil {
			t.Fatal(err)
		}
		if got := string(read.Options.Get(dhcpv4.GenericOptionCode(tftpServers))); got != c.want {
			t.Errorf("%s: option 150 is %q, want %q", name, got, c.want)
		}
	}
}
