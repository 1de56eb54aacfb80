package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rackwright/agent/ipmi"
	"rackwright/agent/kmod"
	"rackwright/agent/rescue"
	"rackwright/agent/wire"
	"rackwright/inventory"
)

// modprobe loads what the kernel asks for, e.g. "-q -- fs-ext4", and returns the exit
// status.
func modprobe(words []string) int {
	modules := kmod.Open("/", kernelVersion(), kmod.InsertFile, slog.New(slog.DiscardHandler))
	status := 0
	for _, w := range words {
		if !strings.HasPrefix(w, "-") && !modules.Ask(w) {
			status = 1
		}
	}
	return status
}

// noteTime bounds what a BMC may take to keep a line.
const noteTime = 15 * time.Second

// note keeps in the BMC's event log why this machine did not come to its server: nobody
// else may ever see the console.
func note(ctx context.Context, t wire.Trouble, unbound []string, say func(string, ...any)) {
	ctx, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	d, err := ipmi.Open(ctx, "/dev/ipmi0")
	if err != nil {
		return
	}
	defer d.Close()
	if err := ipmi.Note(d, t, unbound); err != nil {
		say("the BMC did not keep it: %v", err)
		return
	}
	log, err := ipmi.Log(d, 1)
	if err == nil && len(log) > 0 {
		say("the BMC's event log has it; its newest line: %s", ipmi.String(log[0]))
	}
}

// rescueGround is what a person gets in a rescue.
func rescueGround(address string, facts func() inventory.Facts, say func(string, ...any)) rescue.Ground {
	return rescue.Ground{Address: address, Root: "/", Facts: facts, Say: say, Console: serialConsole,
		Dmesg: rescue.KernelMessages, Mount: rescue.KernelMount, Unmount: rescue.KernelUnmount}
}

// serialConsole opens the terminal that the kernel's console is: programs need one to be
// interrupted from.
func serialConsole() (io.ReadWriteCloser, error) {
	b, err := os.ReadFile("/sys/class/tty/console/active")
	names := strings.Fields(string(b))
	if err != nil || len(names) == 0 {
		names = []string{"console"}
	}
	return os.OpenFile(filepath.Join("/dev", names[len(names)-1]), os.O_RDWR, 0)
}
