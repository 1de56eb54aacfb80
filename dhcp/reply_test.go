package dhcp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"rackwright/inventory"
)

func class(s string) dhcpv4.Modifier { return dhcpv4.WithOption(dhcpv4.OptClassIdentifier(s)) }

func arch(a byte) dhcpv4.Modifier {
	return dhcpv4.WithGeneric(dhcpv4.OptionClientSystemArchitectureType, []byte{0, a})
}

func TestAReplyConfiguresTheNetwork(t *testing.T) {
	r := newWorld(nil).ask(message(discover, knownMAC)).Reply
	if r.SubnetMask().String() != "ffffff00" || r.Router()[0].String() != "10.0.0.254" || r.DNS()[0].String() != "10.0.0.53" ||
		r.NTPServers()[0].String() != "10.0.0.123" || r.DomainName() != "dc.example" || r.HostName() != "r1-u1" ||
		r.IPAddressLeaseTime(0).Seconds() != 3600 || r.ServerIdentifier().String() != "10.0.0.1" ||
		!bytes.Equal(r.Options.Get(dhcpv4.OptionInterfaceMTU), []byte{0x23, 0x28}) {
		t.Errorf("reply is\n%s", r.Summary())
	}
}

func TestOnlyWhatTheClientAskedForIsSent(t *testing.T) {
	r := newWorld(nil).ask(message(discover, knownMAC, dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionDomainNameServer))).Reply
	for _, code := range []dhcpv4.OptionCode{dhcpv4.OptionNTPServers, dhcpv4.OptionInterfaceMTU, dhcpv4.OptionDomainName, dhcpv4.OptionHostName} {
		if r.Options.Has(code) {
			t.Errorf("%s was not asked for", code)
		}
	}
	if len(r.DNS()) != 1 {
		t.Error("DNS was asked for")
	}
}

func TestBootOptionsByClient(t *testing.T) {
	script := "http://10.0.0.1:8080/boot/script?mac=52:54:00:77:00:01"
	for _, c := range []struct {
		name         string
		mods         []dhcpv4.Modifier
		file         string
		vendor       string // option 60
		o43, o175    string
		next, tftp66 string
	}{
		{"an installed system", nil, "", "", "", "", "", ""},
		{"an installed system with a vendor class", []dhcpv4.Modifier{class("MSFT 5.0"), arch(7)}, "", "", "", "", "", ""},
		{"BIOS PXE", []dhcpv4.Modifier{class("PXEClient:Arch:00000:UNDI:002001"), arch(0)}, "undionly.kpxe", "PXEClient", "\x06\x01\x08\xff", "", "10.0.0.1", "10.0.0.1"},
		{"UEFI PXE", []dhcpv4.Modifier{class("PXEClient:Arch:00007:UNDI:003001"), arch(7)}, "ipxe.efi", "PXEClient", "\x06\x01\x08\xff", "", "10.0.0.1", "10.0.0.1"},
		{"arm64 PXE", []dhcpv4.Modifier{class("PXEClient:Arch:00011:UNDI:003001"), arch(11)}, "snp.efi", "PXEClient", "\x06\x01\x08\xff", "", "10.0.0.1", "10.0.0.1"},
		{"UEFI HTTP", []dhcpv4.Modifier{class("HTTPClient:Arch:00016:UNDI:003001"), arch(16)}, "http://10.0.0.1:8080/boot/ipxe.efi", "HTTPClient", "", "", "10.0.0.1", ""},
		{"iPXE", []dhcpv4.Modifier{class("PXEClient:Arch:00000:UNDI:002001"), dhcpv4.WithUserClass("iPXE", false), arch(0)}, script + "&platform=pcbios", "", "", "\xb0\x01\x01", "10.0.0.1", "10.0.0.1"},
		{"the built-in loader", []dhcpv4.Modifier{class("PXEClient:Arch:00007:UNDI:003010"), dhcpv4.WithUserClass("Tinkerbell", false), arch(7)}, script + "&platform=efi", "", "", "\xb0\x01\x01", "10.0.0.1", "10.0.0.1"},
		{"iPXE with a user class as RFC 3004 has it", []dhcpv4.Modifier{dhcpv4.WithUserClass("iPXE", true), arch(7)}, script + "&platform=efi", "", "", "\xb0\x01\x01", "10.0.0.1", "10.0.0.1"},
		{"firmware without a loader", []dhcpv4.Modifier{class("PXEClient:Arch:00006:UNDI:003001"), arch(6)}, "", "", "", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newWorld(nil).ask(message(discover, knownMAC, c.mods...)).Reply
			next := ""
			if r.ServerIPAddr != nil && !r.ServerIPAddr.IsUnspecified() {
				next = r.ServerIPAddr.String()
			}
			got := []string{r.BootFileName, r.BootFileNameOption(), r.ClassIdentifier(), string(r.Options.Get(dhcpv4.OptionVendorSpecificInformation)),
				string(r.Options.Get(dhcpv4.GenericOptionCode(175))), next, r.TFTPServerName()}
			want := []string{c.file, c.file, c.vendor, c.o43, c.o175, c.next, c.tftp66}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("field %d is %q, want %q", i, got[i], want[i])
				}
			}
		})
	}
}

func TestTheMachineIdentifierIsEchoed(t *testing.T) {
	id := append([]byte{0}, bytes.Repeat([]byte{7}, 16)...)
	r := newWorld(nil).ask(message(discover, knownMAC, dhcpv4.WithGeneric(dhcpv4.OptionClientMachineIdentifier, id))).Reply
	if !bytes.Equal(r.Options.Get(dhcpv4.OptionClientMachineIdentifier), id) {
		t.Error("option 97 is not echoed (RFC 4578 section 2.3)")
	}
}

func TestTheUUIDReadsAsDmidecodePrintsIt(t *testing.T) {
	wire := []byte{0, 0x67, 0x45, 0x23, 0x01, 0xab, 0x89, 0xef, 0xcd, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
	if got := guid(wire); got != "01234567-89ab-cdef-0123-456789abcdef" {
		t.Errorf("UUID is %s", got)
	}
	for _, junk := range [][]byte{nil, {0}, make([]byte, 17), append([]byte{1}, wire[1:]...)} {
		if got := guid(junk); got != "" {
			t.Errorf("%v is no UUID, got %s", junk, got)
		}
	}
}

func TestAReplyFitsWhatTheClientTakes(t *testing.T) {
	w := newWorld(func(prov, _ *inventory.Network) { prov.Domain = strings.Repeat("a.", 120) })
	r := w.ask(message(discover, knownMAC, class("PXEClient:Arch:00007"), arch(7), dhcpv4.WithGeneric(dhcpv4.OptionRelayAgentInformation, make([]byte, 80)))).Reply
	if n := len(r.ToBytes()) + 28; n > 576 {
		t.Errorf("%d bytes with headers", n)
	}
	if r.BootFileNameOption() == "" || len(r.DNS()) == 0 {
		t.Error("what the client needs was dropped")
	}
}
