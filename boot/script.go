package boot

import (
	"fmt"
	"strings"

	"rackwright/images"
	"rackwright/inventory"
)

// How often a script tries to fetch the agent and how long it waits when it gives up.
const (
	fetchTries   = 5
	retryPause   = 3  // seconds
	failurePause = 30 // seconds, then the machine restarts and asks again
)

// Disks as a BIOS numbers them, and how many of them are tried: the system's need not be
// the first, and one without a boot sector is passed over.
const (
	firstDrive = 0x80
	drives     = 8
)

// Agent is what a script that runs the agent needs besides the host.
type Agent struct {
	Files string   // URL of the directory with vmlinuz and initrd, its one-time nonce included
	Arch  string   // amd64 or arm64; empty means amd64
	Args  []string // what the agent reads on its kernel command line, key=value
}

// LocalDiskScript sends a machine on to its own disk.
//
// On a BIOS the disk is started from iPXE: a chainloaded loader cannot count on the
// vendor's PXE stack to go on to the next boot device. On UEFI the loader leaves with
// an error, because a boot manager that sees success stops at its menu instead of
// taking the next entry (UEFI 2.10 section 3.1.7).
func LocalDiskScript(name string, fw inventory.Firmware) string {
	var b strings.Builder
	script(&b, "%s: no operation wants this machine, booting its own disk", name)
	if fw == inventory.UEFI {
		b.WriteString("exit 1\n")
		return b.String()
	}
	b.WriteString("iseq ${platform} efi && exit 1 ||\n")
	fmt.Fprintf(&b, "set drive:int32 %d\n:next\nsanboot --no-describe --drive ${drive} ||\n", firstDrive)
	fmt.Fprintf(&b, "inc drive\niseq ${drive} %d || goto next\nexit 1\n", firstDrive+drives)
	return b.String()
}

// StrangerScript sends a machine away that is in no plan and gets nothing here.
func StrangerScript(mac inventory.MAC) string {
	var b strings.Builder
	script(&b, "%s is in no rack plan and this network does not inspect strangers", mac)
	b.WriteString("exit 1\n")
	return b.String()
}

// AgentScript loads and starts the agent: the kernel, its ramdisk and its command
// line. After fetchTries attempts it says so and restarts the machine, which then
// asks again and is given a fresh nonce.
func AgentScript(h *Host, a Agent) string {
	var b strings.Builder
	script(&b, "%s: loading the agent", h.Name)
	b.WriteString("set tries:int32 0\n:load\nimgfree\n")
	fmt.Fprintf(&b, "kernel --name vmlinuz %s/vmlinuz%s %s || goto again\n", a.Files, a.query(), a.commandLine())
	fmt.Fprintf(&b, "initrd --name initrd %s/initrd%s || goto again\n", a.Files, a.query())
	start(&b, "the agent")
	return b.String()
}

// start starts what the lines before fetched, from :load on. After fetchTries attempts it
// says so and restarts the machine.
func start(b *strings.Builder, what string) {
	b.WriteString("boot || goto again\n:again\ninc tries\n")
	fmt.Fprintf(b, "iseq ${tries} %d && goto failed ||\n", fetchTries)
	fmt.Fprintf(b, "echo rackwright: attempt ${tries} of %d failed, again in %d s\nsleep %d\ngoto load\n", fetchTries, retryPause, retryPause)
	fmt.Fprintf(b, ":failed\necho rackwright: %s could not be loaded, restarting in %d s\nsleep %d\nreboot\n", plain(what), failurePause, failurePause)
}

func (a Agent) query() string {
	if a.Arch == "" || a.Arch == "amd64" {
		return ""
	}
	return "?arch=" + a.Arch
}

// RetryScript keeps a machine at its loader while the server cannot answer it: leaving
// the loader would use up a one-time boot order. next is the same question's URL.
func RetryScript(reason, next string) string {
	var b strings.Builder
	script(&b, "%s, asking again in %d s", reason, retryPause)
	fmt.Fprintf(&b, "sleep %d\nchain --autofree --replace %s || sleep %d\nreboot\n", retryPause, next, failurePause)
	return b.String()
}

// commandLine is the agent's kernel command line. initrd= names the ramdisk for the
// kernel's EFI stub, which is handed files by name; elsewhere it does nothing.
func (a Agent) commandLine() string {
	args := []string{"initrd=initrd", images.Consoles(a.Arch)}
	for _, arg := range a.Args {
		args = append(args, strings.Fields(plain(arg))...)
	}
	return strings.Join(args, " ")
}

// script opens a script with a line for whoever watches the console.
func script(b *strings.Builder, format string, args ...any) {
	b.WriteString("#!ipxe\necho rackwright: " + plain(fmt.Sprintf(format, args...)) + "\n")
}

// plain keeps text from being read as script: no line breaks, no ${settings}, no
// command separators.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r == '$' || r == '|' || r == '&' || r == ';':
			return '_'
		}
		return r
	}, s)
}
