package netns

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"rackwright/boot"
	"rackwright/journal"
)

func TestFirmwareFetchesItsLoaderByTFTP(t *testing.T) {
	s := newSite(t)
	bin := need(t, "tftp", "tftp-hpa")
	m := plug(t, "br0", knownMAC)
	lease := request(t, m, knownMAC, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00000:UNDI:002001")),
		dhcpv4.WithOption(dhcpv4.OptClientArch(iana.INTEL_X86PC)))
	if lease.ACK.BootFileName != "undionly.kpxe" || lease.ACK.ServerIPAddr.String() != "10.77.0.1" {
		t.Fatalf("boot file %q from %s", lease.ACK.BootFileName, lease.ACK.ServerIPAddr)
	}
	m.address("10.77.0.11/24")
	file := filepath.Join(t.TempDir(), "loader")
	out, err := m.run(bin, "-m", "binary", "10.77.0.1", "-c", "get", "/"+lease.ACK.BootFileName, file)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(got, boot.NewLoaders().Get("undionly.kpxe").Bytes()) {
		t.Errorf("%d bytes arrived, others than were sent", len(got))
	}
	e := s.await("the transfer", func(e journal.Event) bool { return e.Kind == journal.TFTPSent })
	if e.Machine != "m1" || e.MAC != parse(knownMAC) {
		t.Errorf("event is %+v", e)
	}
}

func TestALoaderGetsItsScriptAndWithTheNonceTheRamdisk(t *testing.T) {
	s := newSite(t)
	curl := need(t, "curl", "curl")
	m := plug(t, "br0", deployMAC)
	lease := request(t, m, deployMAC, dhcpv4.WithUserClass("iPXE", false), dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003010")),
		dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_X86_64)))
	url := lease.ACK.BootFileNameOption()
	if url != "http://10.77.0.1:8080/boot/script?mac=52:54:00:77:00:02&platform=efi" {
		t.Fatalf("script URL is %q", url)
	}
	m.address("10.77.0.12/24")
	script, err := m.run(curl, "-sS", "--fail", url)
	must(t, err)
	contains(t, script, "#!ipxe", "rackwright.server=https://10.77.0.1:8443", "BOOTIF=01-52-54-00-77-00-02")
	found := regexp.MustCompile(`initrd --name initrd (\S+)`).FindStringSubmatch(script)
	if found == nil {
		t.Fatalf("no ramdisk in\n%s", script)
	}
	part, err := m.run(curl, "-sS", "--fail", "--range", "8-15", found[1])
	must(t, err)
	if part != "ramdisk " {
		t.Errorf("range is %q", part)
	}
	whole := filepath.Join(t.TempDir(), "initrd")
	out, err := m.run(curl, "-sS", "--fail", "-o", whole, found[1])
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if info, err := os.Stat(whole); err != nil || info.Size() != 8<<20 {
		t.Errorf("ramdisk: %v, %v", info, err)
	}
	s.await("the whole ramdisk", func(e journal.Event) bool {
		return e.Kind == journal.HTTPSent && e.Machine == "m2" && e.Detail["bytes"] == int64(8<<20) && e.Detail["aborted"] == false
	})
	if out, err := m.run(curl, "-sS", "--fail", "http://10.77.0.1:8080/boot/k/wrong/initrd"); err == nil {
		t.Errorf("the ramdisk was given without a nonce: %d bytes", len(out))
	}
	s.await("the refusal", func(e journal.Event) bool { return e.Kind == journal.HTTPRefused })
}

func TestATransferThatBreaksOffIsRecordedSo(t *testing.T) {
	s := newSite(t)
	curl := need(t, "curl", "curl")
	m := plug(t, "br0", deployMAC)
	m.address("10.77.0.12/24")
	_, err := m.run(curl, "-sS", "--max-filesize", "1000", "http://10.77.0.1:8080/boot/k/"+nonce+"/initrd")
	if err == nil {
		t.Fatal("curl took the whole file")
	}
	s.await("the break", func(e journal.Event) bool { return e.Kind == journal.HTTPSent && e.Detail["aborted"] == true })
}

func TestAScriptWithANonceIsRefusedAtAnotherAddress(t *testing.T) {
	s := newSite(t)
	curl := need(t, "curl", "curl")
	m := plug(t, "br0", strangerMAC)
	m.address("10.77.0.99/24")
	out, err := m.run(curl, "-sS", "http://10.77.0.1:8080/boot/script?mac="+deployMAC)
	if err != nil || strings.Contains(out, nonce) || !strings.Contains(out, "10.77.0.99, which was not given to r1-u2") {
		t.Errorf("%v\n%s", err, out)
	}
	s.await("the refusal", func(e journal.Event) bool {
		return e.Kind == journal.HTTPRefused && e.Machine == "m2" && e.Detail["reason"] == "denied"
	})
}
