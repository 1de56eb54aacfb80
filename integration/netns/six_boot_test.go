package netns

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/boot"
	v6 "rackwright/dhcp/v6"
	"rackwright/journal"
)

const deployUUID = "4c4c4544-0031-4a10-8051-b4c04f4d3132"

// advertised is what a client with such options is told to load by DHCPv6.
func advertised(t *testing.T, m *machine, mac string, class string, arch iana.Arch, more ...dhcpv6.Modifier) (url string) {
	t.Helper()
	vendor := &dhcpv6.OptVendorClass{EnterpriseNumber: 343, Data: [][]byte{[]byte(class)}}
	ask, err := dhcpv6.NewSolicit(hardware(t, mac), append(more, dhcpv6.WithOption(vendor), dhcpv6.WithArchType(arch), dhcpv6.WithRequestedOptions(dhcpv6.OptionBootfileURL))...)
	must(t, err)
	m.within(func() {
		at, err := net.InterfaceByName("eth0")
		must(t, err)
		c, err := net.ListenUDP("udp6", &net.UDPAddr{Port: 546})
		must(t, err)
		defer c.Close()
		buf := make([]byte, 1500)
		for range 40 { // the server joins the group a moment after it starts
			_, err = c.WriteTo(ask.ToBytes(), &net.UDPAddr{IP: v6.AllServers().AsSlice(), Port: 547, Zone: at.Name})
			_ = c.SetReadDeadline(time.Now().Add(250 * time.Millisecond))
			n, _, rerr := c.ReadFromUDP(buf)
			if rerr != nil {
				continue
			}
			got, err := dhcpv6.MessageFromBytes(buf[:n])
			must(t, err)
			url = got.Options.BootFileURL()
			return
		}
		t.Errorf("no answer within 10 s (last send: %v)", err)
	})
	return url
}

// Whatever a DHCPv6 answer names can be fetched over IPv6.
func TestFirmwareFetchesOverIPv6WhatDHCPv6Names(t *testing.T) {
	s := newSix(t, nil)
	curl := need(t, "curl", "curl")
	m := plug(t, "br6", knownMAC)
	m.address("fd86::11/64")
	for _, c := range []struct {
		class string
		arch  iana.Arch
		url   string
		sent  journal.Kind
		file  string
	}{
		{"PXEClient:Arch:00007:UNDI:003016", iana.EFI_X86_64, "tftp://[fd86::1]/ipxe.efi", journal.TFTPSent, "ipxe.efi"},
		{"PXEClient:Arch:00011:UNDI:003016", iana.EFI_ARM64, "tftp://[fd86::1]/snp.efi", journal.TFTPSent, "snp.efi"},
		{"HTTPClient:Arch:00016:UNDI:003016", iana.EFI_X86_64_HTTP, "http://[fd86::1]:8080/boot/ipxe.efi", journal.HTTPSent, "ipxe.efi"},
		{"HTTPClient:Arch:00019:UNDI:003016", iana.EFI_ARM64_HTTP, "http://[fd86::1]:8080/boot/snp.efi", journal.HTTPSent, "snp.efi"},
	} {
		url := advertised(t, m, knownMAC, c.class, c.arch)
		if url != c.url {
			t.Errorf("%s is told %q", c.class, url)
			continue
		}
		file := filepath.Join(t.TempDir(), "loader")
		if out, err := m.run(curl, "-gsS", "--fail", "-o", file, url); err != nil {
			t.Fatalf("%s: %v: %s", url, err, out)
		}
		got, err := os.ReadFile(file)
		must(t, err)
		if !bytes.Equal(got, boot.NewLoaders().Get(c.file).Over(netip.MustParseAddr("fd86::1")).Bytes()) {
			t.Errorf("%s: %d bytes arrived, others than were sent", url, len(got))
		}
		if e := s.await("the transfer", func(e journal.Event) bool { return e.Kind == c.sent }); e.Machine != "m1" || e.Detail["file"] != c.file {
			t.Errorf("event is %+v", e)
		}
	}
}

func TestALoaderGetsItsScriptAndRamdiskOverIPv6(t *testing.T) {
	s := newSix(t, nil)
	curl := need(t, "curl", "curl")
	m := plug(t, "br6", deployMAC)
	m.address("fd86::12/64")
	url := advertised(t, m, deployMAC, "PXEClient:Arch:00007:UNDI:003010", iana.EFI_X86_64, dhcpv6.WithUserClass([]byte("iPXE")))
	if url != "http://[fd86::1]:8080/boot/script?mac="+deployMAC+"&platform=efi&uuid="+deployUUID {
		t.Fatalf("script URL is %q", url)
	}
	script, err := m.run(curl, "-gsS", "--fail", url)
	must(t, err)
	contains(t, script, "#!ipxe", "rackwright.server=https://[fd86::1]:8443", "http://[fd86::1]:8080/boot/k/"+nonce+"/vmlinuz")
	found := regexp.MustCompile(`initrd --name initrd (\S+)`).FindStringSubmatch(script)
	if found == nil {
		t.Fatalf("no ramdisk in\n%s", script)
	}
	if part, err := m.run(curl, "-gsS", "--fail", "--range", "8-15", found[1]); err != nil || part != "ramdisk " {
		t.Errorf("range is %q: %v", part, err)
	}
	s.await("the ramdisk", func(e journal.Event) bool {
		return e.Kind == journal.HTTPSent && e.Detail["file"] == "initrd" && e.Machine == "m2"
	})
	for _, name := range []string{"grub/grub.cfg-fd86-0-0-0-0-0-0-12", "grub/grub.cfg-" + deployUUID, "grub/grub.cfg", "grub/grub.cfg-01-52-54-00-77-00-02"} {
		text, err := m.run(curl, "-gsS", "--fail", "tftp://[fd86::1]/"+name)
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, text)
		}
		contains(t, text, "for at in '(http,[fd86::1]:8080)/boot/k/"+nonce+"' '(tftp,fd86::1)/boot/k/"+nonce+"'; do", `if linux "${at}"'/vmlinuz'`, `if initrd "${at}"'/initrd'`,
			"rackwright.server=https://[fd86::1]:8443")
	}
}
