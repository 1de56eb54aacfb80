// Command rackwright-agent is /init of the netboot ramdisk: it brings the machine's devices
// and network up and then does what the server that started it orders.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/agent"
	"rackwright/agent/disk"
	"rackwright/agent/kmod"
	"rackwright/agent/link"
	"rackwright/agent/probe"
	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// Waits of the program around the agent.
const (
	networkTime  = 3 * time.Minute  // for a network before the machine netboots again
	beforeReboot = 20 * time.Second // for a person to read why
	moduleScan   = time.Second
	resolver     = "/etc/resolv.conf"
)

func main() {
	if filepath.Base(os.Args[0]) == "modprobe" { // the kernel wants a module
		os.Exit(modprobe(os.Args[1:]))
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "rackwright-agent: this is /init of the netboot ramdisk and does nothing elsewhere")
		os.Exit(2)
	}
	out := ground()
	say := func(format string, args ...any) { fmt.Fprintf(out, "rackwright-agent: "+format+"\r\n", args...) }
	defer func() { // pid 1 must not end: the kernel would panic and say nothing of use
		if r := recover(); r != nil {
			say("defect: %v", r)
			fmt.Fprintf(out, "%s\r\n", debug.Stack())
			giveUp(say)
		}
	}()
	err := run(context.Background(), out, say)
	say("%v", err)
	if hint := fault.HintOf(err); hint != "" {
		say("hint: %s", hint)
	}
	giveUp(say)
}

// giveUp lets a person read, then restarts the machine: a fresh netboot begins anew.
func giveUp(say func(string, ...any)) {
	say("restarting in %s", beforeReboot)
	time.Sleep(beforeReboot)
	for {
		_ = machine{say}.Restart()
		time.Sleep(beforeReboot) // it has not happened; ask again
	}
}

// run brings the machine up and hands over to the agent.
func run(ctx context.Context, out io.Writer, say func(string, ...any)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	say("version %s, kernel %s, %s after power-on of the kernel", version(), kernelVersion(), uptime())
	params, err := readParams()
	if err != nil {
		return err
	}
	modules := kmod.Open("/", kernelVersion(), kmod.InsertFile, log)
	load(modules)
	go modules.Run(ctx, moduleScan)
	go reap(ctx)
	tree := probe.Tree{Root: "/", Permanent: probe.PermanentMAC, Look: &probe.Looks{Owner: agent.OwnerOf}}
	network, err := connect(ctx, params, tree, say)
	if err != nil {
		return err
	}
	address := network.Config.Address.Addr().String()
	go network.Run(ctx)
	switches, depth := neighbours(ctx, tree), &probe.Depth{Tree: tree, Asker: probe.Kernel{}}
	facts := func() inventory.Facts {
		f := tree.Facts(time.Now(), switches.Heard())
		depth.Add(ctx, &f)
		return f
	}
	found := facts()
	for _, line := range found.Warnings() {
		say("%s", line)
	}
	err = agent.Run(ctx, world(params, facts, address, say))
	if fault.Is(err, fault.Unreachable) {
		note(ctx, wire.NoServer, nil, say)
	}
	return err
}

// load loads what no device asks for by itself, then what the devices do ask for.
func load(modules *kmod.Loader) {
	for _, name := range []string{"af_packet", "virtio_pci", "virtio_mmio"} {
		modules.Load(name)
	}
	for modules.Scan() > 0 {
	}
	for _, name := range []string{"ipmi_si", "ipmi_devintf"} { // a BMC that no bus tells of is found by SMBIOS
		modules.Load(name)
	}
	debug.FreeOSMemory() // what the modules were unpacked in
	if _, err := os.Stat("/sys/firmware/efi"); err == nil {
		modules.Load("efivarfs")
		_ = unix.Mount("efivarfs", "/sys/firmware/efi/efivars", "efivarfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "") // without it no boot entry is made
	}
}

// connect gets a network, or says what stands in its way, with the PCI ids of
// controllers that this ramdisk cannot drive.
func connect(ctx context.Context, params agent.Params, tree probe.Tree, say func(string, ...any)) (*link.Network, error) {
	trying, cancel := context.WithTimeout(ctx, networkTime)
	defer cancel()
	network, err := link.Acquire(trying, link.Wanted{Boot: params.BootIf, VLAN: params.VLAN, IPv6: strings.Contains(params.Server.Hostname(), ":")}, resolver, agent.Sleep, say)
	if err != nil {
		unbound := tree.Unbound()
		for _, id := range unbound {
			say("no driver for the controller with PCI id %s", id)
		}
		note(ctx, link.TroubleOf(err), unbound, say)
		return nil, err
	}
	say("%s has %s, %s", network.Port, network.Config.Address, gatewayWords(network.Config.Gateway))
	return network, nil
}

func gatewayWords(a netip.Addr) string {
	if !a.IsValid() {
		return "no gateway"
	}
	return "gateway " + a.String()
}

// neighbours listens for switches in the background on every port.
func neighbours(ctx context.Context, tree probe.Tree) *probe.Listener {
	var ports []string
	for _, n := range tree.NICs() {
		ports = append(ports, n.Name)
	}
	return probe.Listen(ctx, ports, agent.Sleep)
}

// world is this machine, whose address is given, as the agent sees it.
func world(params agent.Params, facts func() inventory.Facts, address string, say func(string, ...any)) agent.World {
	return agent.World{Params: params, Version: version(), Arch: runtime.GOARCH, Facts: facts, Say: say,
		Power: machine{say}, Pause: agent.Sleep, Backoff: agent.Backoff(agent.Sleep),
		Open:    func(path string) (agent.Disk, error) { return disk.Open(path) },
		Written: written(), Memory: memory(), Rescue: rescueGround(address, facts, say)}
}
