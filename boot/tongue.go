package boot

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"rackwright/inventory"
)

// Tongue is the language a loader is told in what to do. Every loader is told the same.
type Tongue interface {
	LocalDisk(name string, fw inventory.Firmware) string
	Stranger(mac inventory.MAC) string
	Agent(h *Host, a Agent) string
	System(h *Host, s System, files string) string
	// Retry keeps the loader of a MAC asking; next is where, in the same tongue.
	Retry(mac inventory.MAC, reason, next string) string
}

// TongueNamed returns the tongue of a name: ipxe (or empty), grub, or pxelinux, which U-Boot
// and others speak as extlinux; nil for another.
func TongueNamed(name string) Tongue {
	switch name {
	case "", "ipxe":
		return ipxeTongue{}
	case "grub":
		return grubTongue{}
	case "pxelinux":
		return pxelinuxTongue{}
	}
	return nil
}

type ipxeTongue struct{}

func (ipxeTongue) LocalDisk(name string, fw inventory.Firmware) string {
	return LocalDiskScript(name, fw)
}
func (ipxeTongue) Stranger(mac inventory.MAC) string { return StrangerScript(mac) }
func (ipxeTongue) Agent(h *Host, a Agent) string     { return AgentScript(h, a) }
func (ipxeTongue) System(h *Host, s System, files string) string {
	return SystemScript(h, s, files)
}
func (ipxeTongue) Retry(_ inventory.MAC, reason, next string) string {
	return RetryScript(reason, next)
}

// grubTongue is a configuration of GRUB 2, as a signed one behind shim reads it. It fetches
// kernels by HTTP where it can, because that is many times as fast for it as TFTP. Debian's signed
// one has no HTTP, and Secure Boot keeps it from taking the module from us.
type grubTongue struct{}

func grubOpen(b *strings.Builder, format string, args ...any) {
	b.WriteString("set timeout=0\necho " + quoted("rackwright: "+fmt.Sprintf(format, args...)) + "\n")
}

// LocalDisk leaves with an error: see LocalDiskScript.
func (grubTongue) LocalDisk(name string, _ inventory.Firmware) string {
	var b strings.Builder
	grubOpen(&b, "%s: no operation wants this machine, booting its own disk", name)
	return b.String() + "exit 1\n"
}

func (grubTongue) Stranger(mac inventory.MAC) string {
	var b strings.Builder
	grubOpen(&b, "%s is in no rack plan and this network does not inspect strangers", mac)
	return b.String() + "exit 1\n"
}

func (grubTongue) Agent(h *Host, a Agent) string {
	var b strings.Builder
	grubOpen(&b, "%s: loading the agent", h.Name)
	grubStart(&b, "the agent", "vmlinuz"+a.query(), []string{"initrd" + a.query()}, a.Files, a.commandLine())
	return b.String()
}

func (grubTongue) System(h *Host, s System, files string) string {
	var b strings.Builder
	grubOpen(&b, "%s: loading %s", h.Name, s.Name)
	grubStart(&b, s.Name, s.Kernel, s.Initrds, files, s.Args)
	return b.String()
}

// grubStart fetches and starts, with as many tries as a script of iPXE. GRUB hands the
// ramdisks to the kernel itself.
func grubStart(b *strings.Builder, what, kernel string, initrds []string, files, args string) {
	b.WriteString("insmod http\nfor try in")
	for i := range fetchTries {
		fmt.Fprintf(b, " %d", i+1)
	}
	b.WriteString("; do\n  for at in " + strings.Join(grubPaths(files, tftpPath(files)), " ") + "; do\n    if linux \"${at}\"" + quoted("/"+kernel))
	for word := range strings.FieldsSeq(args) {
		if !strings.HasPrefix(word, "initrd=") {
			b.WriteString(" " + quoted(word))
		}
	}
	b.WriteString("; then\n      if ")
	if len(initrds) == 0 {
		b.WriteString("true")
	} else {
		b.WriteString("initrd")
	}
	for _, name := range initrds {
		b.WriteString(" \"${at}\"" + quoted("/"+name))
	}
	fmt.Fprintf(b, "; then boot; fi\n    fi\n  done\n  echo \"rackwright: attempt ${try} of %d failed, again in %d s\"\n  sleep %d\ndone\n", fetchTries, retryPause, retryPause)
	fmt.Fprintf(b, "echo %s\nsleep %d\nreboot\n", quoted(fmt.Sprintf("rackwright: %s could not be loaded, restarting in %d s", what, failurePause)), failurePause)
}

// Retry asks by HTTP, or for the file of the MAC by TFTP, where queries name nothing.
func (grubTongue) Retry(mac inventory.MAC, reason, next string) string {
	var b strings.Builder
	grubOpen(&b, "%s, asking again in %d s", reason, retryPause)
	fmt.Fprintf(&b, "insmod http\nsleep %d\n", retryPause)
	for _, at := range grubPaths(next, "/grub/grub.cfg-01-"+strings.ReplaceAll(mac.String(), ":", "-")) {
		b.WriteString("configfile " + at + "\n")
	}
	fmt.Fprintf(&b, "sleep %d\nreboot\n", failurePause)
	return b.String()
}

// grubPaths are where an http URL is as GRUB writes it, and a file by TFTP on the same server. insmod
// succeeds whether or not there is such a module: only a try tells.
func grubPaths(u, file string) []string {
	server, path, _ := strings.Cut(strings.TrimPrefix(u, "http://"), "/")
	host := server
	if at, err := netip.ParseAddrPort(server); err == nil {
		host = at.Addr().String()
	}
	return []string{quoted("(http," + server + ")/" + path), quoted("(tftp," + host + ")" + file)}
}

// quoted is a word that GRUB reads as it is.
func quoted(s string) string {
	return "'" + strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r == '\'':
			return '_'
		}
		return r
	}, s) + "'"
}

// pxelinuxTongue is a configuration of PXELINUX, which U-Boot reads too. U-Boot knows no
// HTTP here, so all is fetched by TFTP. There is no way to try again in it: a machine that
// gets nothing goes on to what it boots next.
type pxelinuxTongue struct{}

func pxelinux(title string, lines ...string) string {
	var b strings.Builder
	b.WriteString("# rackwright: " + oneLine(title) + "\nDEFAULT rackwright\nPROMPT 0\nTIMEOUT 1\nLABEL rackwright\n")
	for _, l := range lines {
		b.WriteString("  " + oneLine(l) + "\n")
	}
	return b.String()
}

// LocalDisk: PXELINUX hands over to the firmware's next boot device, U-Boot to its own.
func (pxelinuxTongue) LocalDisk(name string, _ inventory.Firmware) string {
	return pxelinux(name+": no operation wants this machine, booting its own disk", "LOCALBOOT -1")
}

func (pxelinuxTongue) Stranger(mac inventory.MAC) string {
	return pxelinux(mac.String()+" is in no rack plan and this network does not inspect strangers", "LOCALBOOT -1")
}

func (pxelinuxTongue) Agent(h *Host, a Agent) string {
	at := tftpPath(a.Files)
	return pxelinux(h.Name+": loading the agent", "KERNEL "+at+"/vmlinuz"+a.query(), "INITRD "+at+"/initrd"+a.query(), "APPEND "+withoutInitrd(a.commandLine()))
}

func (pxelinuxTongue) System(h *Host, s System, files string) string {
	at := tftpPath(files)
	lines := []string{"KERNEL " + at + "/" + s.Kernel}
	if len(s.Initrds) > 0 {
		lines = append(lines, "INITRD "+at+"/"+strings.Join(s.Initrds, ","+at+"/"))
	}
	if args := withoutInitrd(s.Args); args != "" {
		lines = append(lines, "APPEND "+args)
	}
	return pxelinux(h.Name+": loading "+s.Name, lines...)
}

func (pxelinuxTongue) Retry(mac inventory.MAC, reason, _ string) string {
	return strings.Replace(pxelinux(fmt.Sprintf("%s, asking again in %d s", reason, retryPause), "CONFIG /pxelinux.cfg/01-"+strings.ReplaceAll(mac.String(), ":", "-")),
		"PROMPT 0\nTIMEOUT 1\n", fmt.Sprintf("PROMPT 1\nTIMEOUT %d\n", 10*retryPause), 1)
}

// tftpPath is what of a URL is asked for by TFTP.
func tftpPath(u string) string {
	parsed, err := url.Parse(u)
	if err != nil {
		return u
	}
	return parsed.Path
}

// withoutInitrd leaves out the names of ramdisks, which these loaders hand over themselves.
func withoutInitrd(args string) string {
	var out []string
	for word := range strings.FieldsSeq(args) {
		if !strings.HasPrefix(word, "initrd=") {
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
