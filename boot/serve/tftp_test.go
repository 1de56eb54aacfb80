package serve

import (
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"rackwright/boot"
	"rackwright/tftp"
)

func TestALoaderWithoutHTTPGetsItsMachinesScriptAndKernel(t *testing.T) {
	w := newWorld(t, nil)
	o := OverTFTP{Server: w.server, Port: 8080}
	six, other6 := netip.MustParseAddr("fd00::51%eth0"), netip.MustParseAddr("fd00::52")
	at, idle, wanted := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.51"), netip.MustParseAddr("127.0.0.52")
	dash := func(mac string) string { return strings.ReplaceAll(mac, ":", "-") }
	for _, c := range []struct {
		name string
		peer netip.Addr
		want string // "": there is no such file for this peer
	}{
		{"pxelinux.cfg/01-" + dash(idleMAC), idle, "LOCALBOOT -1"},
		{"pxelinux.cfg/7F000034", wanted, "KERNEL /boot/k/" + goodNonce + "/vmlinuz\n"},
		{"grub/grub.cfg-01-" + dash(deployMAC), wanted, "for at in '(http,127.0.0.1:8080)/boot/k/" + goodNonce + "' '(tftp,127.0.0.1)/boot/k/" + goodNonce + "'; do"},
		{"grub/grub.cfg", wanted, "(http,127.0.0.1:8080)/boot/k/"},
		{deployMAC + "/boot.ipxe", wanted, "kernel --name vmlinuz http://127.0.0.1:8080/boot/k/" + goodNonce},
		{"boot/k/" + goodNonce + "/vmlinuz", wanted, "kernel bytes"},
		{"/boot/k/" + goodNonce + "/vmlinuz?arch=amd64", wanted, "kernel bytes"},
		{"/boot/k/" + goodNonce + "/../../etc/passwd", wanted, ""},
		{"pxelinux.cfg/" + idleUUID, idle, "LOCALBOOT -1"},
		{"grub/grub.cfg-" + boot.Swapped(idleUUID), six, "booting its own disk"},
		{"grub/grub.cfg-fd00-0-0-0-0-0-0-51", six, "booting its own disk"},
		{idleUUID + "/boot.ipxe", six, "#!ipxe"},
		{"grub/grub.cfg-fd00-0-0-0-0-0-0-51", other6, ""},
		{"pxelinux.cfg/" + idleUUID, wanted, ""},
		{"grub/grub.cfg-01-" + dash(idleMAC), other6, ""},
		{"pxelinux.cfg/01-" + dash(deployMAC), idle, ""},
		{"pxelinux.cfg/7F000034", idle, ""},
		{"pxelinux.cfg/01-" + dash(alienMAC), netip.MustParseAddr("127.0.0.77"), ""},
		{"grub/grub.cfg", netip.MustParseAddr("127.0.0.77"), ""},
		{"pxelinux.cfg/default", idle, ""},
	} {
		f, err := o.File(t.Context(), tftp.Ask{Name: c.name, Peer: c.peer, At: at})
		if err != nil || (f == nil) != (c.want == "") {
			t.Errorf("%s for %s: %+v, %v", c.name, c.peer, f, err)
			continue
		}
		if f == nil {
			continue
		}
		text, err := io.ReadAll(io.NewSectionReader(f.Content, 0, f.Size))
		if err != nil || !strings.Contains(string(text), c.want) || f.Host == nil || strings.Contains(f.Name, goodNonce) {
			t.Errorf("%s is %q (%v)\n%s", c.name, f.Name, err, text)
		}
		f.Close()
	}
	refusal := new(tftp.Refusal)
	if _, err := o.File(t.Context(), tftp.Ask{Name: "boot/k/guess/vmlinuz", Peer: wanted, At: at}); !errors.As(err, &refusal) || refusal.Code != tftp.Denied {
		t.Errorf("a wrong nonce: %v", err)
	}
}

func TestASystemFetchedByTFTPIsNotedAsOneByHTTP(t *testing.T) {
	w, s := withSystem(t)
	w.get("/boot/script?mac="+deployMAC, 200) // opens the boot
	o := OverTFTP{Server: w.server, Port: 8080}
	f, err := o.File(t.Context(), tftp.Ask{Name: "boot/k/" + goodNonce + "/part/kernel", Peer: netip.MustParseAddr("127.0.0.52")})
	if err != nil || f == nil || f.Size != 10 || f.Whole == nil {
		t.Fatalf("%+v, %v", f, err)
	}
	f.Whole()
	if f.Close(); len(s.sent) != 1 || s.sent[0] != "kernel" {
		t.Errorf("noted: %v", s.sent)
	}
}

func TestAScriptIsToldInTheTongueThatIsAskedFor(t *testing.T) {
	w := newWorld(t, nil)
	w.get("/boot/script?format=grub&mac="+deployMAC, 200, "set timeout=0", "if linux \"${at}\"'/vmlinuz'")
	w.get("/boot/script?format=lilo&mac="+deployMAC, 400)
}
