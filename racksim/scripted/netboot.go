package scripted

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"path"
	"strings"

	"rackwright/racksim"
)

// tftpPort is the well-known port of RFC 1350.
const tftpPort = 69

// netboot boots from a NIC: an address, the loader, the script, and what it says. uri is
// what UEFI HTTP boot was told to fetch, "" for what DHCP names.
func (m *Machine) netboot(ctx context.Context, n racksim.NIC, as client, uri string) after {
	got, err := m.lease(ctx, n, as)
	if err == nil {
		m.say("firmware: %s has %s, boot file %s", n.Name, got.address, name(got.file))
		m.stage(ctx)
		err = m.fetchLoader(ctx, got, as, uri)
	}
	if err != nil {
		m.say("firmware: no boot from %s: %v", n.Name, err)
		return nextDevice
	}
	m.stage(ctx)
	got, err = m.lease(ctx, n, ipxe)
	if err != nil {
		m.say("iPXE: %v", err)
		return nextDevice
	}
	m.stage(ctx)
	return m.runScripts(ctx, n, got)
}

// name is the last part of a file or URL, without the query: nothing secret.
func name(file string) string {
	file, _, _ = strings.Cut(file, "?")
	if file == "" {
		return "none"
	}
	return path.Base(file)
}

// fetchLoader loads the loader as firmware of the kind does. What a loader is, is not
// looked at: the machine goes on as iPXE whatever it was.
func (m *Machine) fetchLoader(ctx context.Context, got offered, as client, uri string) error {
	if uri == "" {
		uri = got.file
	}
	if uri == "" {
		return fmt.Errorf("the DHCP server names no boot file")
	}
	var n int64
	var err error
	for try := 1; try <= 3; try++ {
		if as == http {
			n, err = m.portAt(got).get(ctx, uri, io.Discard, maxLoader)
		} else {
			n, err = fetchTFTP(ctx, m.portAt(got).local, netip.AddrPortFrom(got.server, m.tftp), uri)
		}
		if err == nil || ctx.Err() != nil {
			break
		}
		backoff(ctx, try+2)
	}
	if err == nil && n == 0 {
		err = fmt.Errorf("the boot file is empty")
	}
	if err != nil {
		return err
	}
	m.say("firmware: %s loaded, %d bytes", name(uri), n)
	return nil
}

// runScripts runs the script the server names and those it leads to.
func (m *Machine) runScripts(ctx context.Context, n racksim.NIC, got offered) after {
	p := m.portAt(got)
	url := got.file
	platform := map[string]string{racksim.BIOS: "pcbios", racksim.UEFI: "efi"}[m.Machine.Firmware]
	l := &loader{say: m.say, settings: map[string]string{"platform": platform, "buildarch": "x86_64", "mac": n.MAC, "net0/mac": n.MAC, "uuid": m.Machine.UUID},
		fetch: func(ctx context.Context, url string) error { return m.fetchFile(ctx, p, url) }}
	for range maxChains {
		if !strings.HasPrefix(url, "http://") {
			m.say("iPXE: %q is no URL this loader can fetch", name(url))
			return nextDevice
		}
		v, err := m.runScript(ctx, p, l, url)
		if err != nil {
			m.say("iPXE: %v", err)
			return nextDevice
		}
		switch v {
		case chain:
			url = l.next
		case boots:
			return m.runAgent(ctx, n, l.cmdline)
		case reboot:
			return restart
		default: // left, or sent to the disk, which is the next device
			return nextDevice
		}
	}
	m.say("iPXE: %d scripts led to one another, giving up", maxChains)
	return nextDevice
}

func (m *Machine) runScript(ctx context.Context, p port, l *loader, url string) (verdict, error) {
	var text strings.Builder
	var err error
	for try := 1; try <= 4; try++ {
		text.Reset()
		if _, err = p.get(ctx, url, &text, maxScript); err == nil || ctx.Err() != nil {
			break
		}
		backoff(ctx, try+1)
	}
	if err != nil {
		return leave, fmt.Errorf("script: %w", err)
	}
	return l.run(ctx, text.String())
}

// fetchFile fetches a kernel or ramdisk, counts it and drops it.
func (m *Machine) fetchFile(ctx context.Context, p port, url string) error {
	m.stage(ctx)
	n, err := p.get(ctx, url, io.Discard, maxFile)
	if err == nil && n == 0 {
		err = fmt.Errorf("it is empty")
	}
	if err != nil {
		return err
	}
	m.say("iPXE: %s loaded, %d bytes", name(url), n)
	return nil
}
