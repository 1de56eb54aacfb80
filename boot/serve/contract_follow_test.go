package serve

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"strings"
	"time"

	"rackwright/boot"
	"rackwright/inventory"
)

// client fetches as a machine does: from its address, to the end.
type client struct {
	h    *house
	from netip.Addr
	mac  inventory.MAC
	what string
}

// follow fetches a URL that DHCP named, and what a script from there names; it says what it
// was.
func (c client) follow(url string) string {
	text := c.overHTTP(url, http.StatusOK)
	if name := path.Base(url); strings.HasSuffix(name, ".efi") {
		c.loader(name, text)
		return name + " by http"
	}
	server, _ := netip.ParseAddrPort(strings.Split(url, "/")[2])
	n := c.names(server.Addr(), text)
	switch {
	case strings.Contains(text, "/part/kernel"):
		return "system"
	case strings.Contains(text, "/vmlinuz"):
		return "agent"
	case n > 0:
		return "retry"
	}
	return "local-disk"
}

// named are the files that scripts name, in all tongues: URLs, GRUB's way to write them, whose
// loop tries each file at one place after the other, and paths for TFTP.
var (
	byURL     = regexp.MustCompile(`(?m)^(?:kernel|initrd|chain)\b.*? (http://\S+)`)
	byGRUB    = regexp.MustCompile(`'\((http|tftp),([^)]+)\)(/[^']+)'`)
	inTheLoop = regexp.MustCompile(`"\$\{at\}"'([^']+)'`)
	byTFTP    = regexp.MustCompile(`(?m)^  (?:KERNEL|INITRD|CONFIG) (\S+)$`)
)

// grubNames are the files of a script of GRUB: URLs, and paths for TFTP.
func (c client) grubNames(server netip.Addr, text string) (urls, paths []string) {
	files := []string{""}
	for _, found := range inTheLoop.FindAllStringSubmatch(text, -1) {
		files = append(files, found[1])
	}
	if len(files) > 1 {
		files = files[1:]
	}
	for _, found := range byGRUB.FindAllStringSubmatch(text, -1) {
		for _, file := range files {
			switch {
			case found[1] == "http":
				urls = append(urls, "http://"+found[2]+found[3]+file)
			case found[2] != server.String():
				c.h.t.Errorf("%s: %s%s is of %s, another server than %s", c.what, found[3], file, found[2], server)
			default:
				paths = append(paths, found[3]+file)
			}
		}
	}
	return urls, paths
}

// names fetches all that a script names and counts it.
func (c client) names(server netip.Addr, text string) int {
	urls, paths := c.grubNames(server, text)
	for _, found := range byURL.FindAllStringSubmatch(text, -1) {
		urls = append(urls, found[1])
	}
	for _, found := range byTFTP.FindAllStringSubmatch(text, -1) {
		paths = append(paths, strings.Split(found[1], ",")...)
	}
	for _, u := range urls {
		if !strings.HasPrefix(u, "http://"+netip.AddrPortFrom(server, c.h.http).String()+"/boot/") {
			c.h.t.Errorf("%s: %s is of another server than %s", c.what, u, server)
		}
		c.file(u, c.overHTTP(u, http.StatusOK))
	}
	for _, name := range paths {
		c.file(name, c.overTFTP(server, name))
	}
	return len(urls) + len(paths)
}

// file looks at what was fetched: the bytes of that file, or a script again.
func (c client) file(name, got string) {
	if strings.Contains(name, "/boot/script") || strings.Contains(name, ".cfg") {
		if !strings.Contains(got, "asking again") {
			c.h.t.Errorf("%s: %s is\n%s", c.what, name, got)
		}
		return
	}
	if !strings.HasPrefix(got, "bytes of ") || strings.Contains(name, "arch=arm64") != strings.HasPrefix(got, "bytes of arm64") {
		c.h.t.Errorf("%s: %s is %q", c.what, name, got)
	}
}

func (c client) loader(name, got string) {
	if l := boot.NewLoaders().Get(path.Base(name)); l == nil || got != string(l.Over(c.from).Bytes()) {
		c.h.t.Errorf("%s: %s is another file of %d bytes", c.what, name, len(got))
	}
}

func (c client) overHTTP(url string, want int) string {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: c.from.AsSlice()}, Timeout: 10 * time.Second}
	t := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: t, Timeout: 20 * time.Second}).Get(url)
	if err != nil {
		c.h.t.Fatalf("%s: %v", c.what, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		c.h.t.Fatalf("%s: %s from %s: %d, %v: %s", c.what, url, c.from, resp.StatusCode, err, b)
	}
	return string(b)
}

// overTFTP is a plain client (RFC 1350) that asks for large blocks (RFC 2348).
func (c client) overTFTP(server netip.Addr, name string) string {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.from, 0)))
	if err != nil {
		c.h.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	say := func(to netip.AddrPort, b []byte) {
		if _, err := conn.WriteToUDPAddrPort(b, to); err != nil {
			c.h.t.Fatal(err)
		}
	}
	say(netip.AddrPortFrom(server, c.h.tftp), []byte("\x00\x01"+name+"\x00octet\x00blksize\x0065464\x00"))
	var out []byte
	buf := make([]byte, 1<<16)
	for size, next := 512, uint16(1); ; {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil || n < 4 {
			c.h.t.Fatalf("%s: %s from %s: %v", c.what, name, c.from, err)
		}
		switch block := binary.BigEndian.Uint16(buf[2:]); buf[1] {
		case 6: // OACK: one option was asked for
			_, value, _ := strings.Cut(string(buf[2:n-1]), "\x00")
			size = 0
			for _, digit := range value {
				size = 10*size + int(digit-'0')
			}
			say(from, []byte{0, 4, 0, 0})
		case 3:
			if block == next { // else it came again
				out, next = append(out, buf[4:n]...), next+1
			}
			say(from, append([]byte{0, 4}, buf[2:4]...))
			if n-4 < size {
				return string(out)
			}
		default:
			c.h.t.Fatalf("%s: %s from %s: %q", c.what, name, c.from, buf[4:n])
		}
	}
}
