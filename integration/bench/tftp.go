package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/integration/bench/load"
)

// What is fetched from each TFTP server.
const (
	tftpRounds = 3
	tftpBlocks = 1468 // bytes of a block: what an Ethernet frame takes
	tftpCrowd  = 200
	tftpDelay  = 2500 * time.Microsecond // one way
)

// tftpFiles are the names of the files, and how large they are.
func tftpFiles() []string { return []string{"tiny", "loader", "kernel", "large"} }

func tftpSize(name string) int64 {
	return map[string]int64{"tiny": 100, "loader": 1 << 20, "kernel": 32 << 20, "large": 100 << 20}[name]
}

// tftpLoad is what the process of the clients is told.
type tftpLoad struct {
	File    string
	Size    int64
	Block   int
	Window  int
	Clients int
	Port    uint16
}

// measureTFTP fetches from us and from the peers with equal options, over loopback, one after
// the other in turn; then over a way of 5 ms there and back, with and without windows.
func measureTFTP(ctx context.Context, b *bench) error {
	dir, err := fresh(filepath.Join(b.out, "bench", "tftp"))
	if err != nil {
		return err
	}
	for _, name := range tftpFiles() {
		content := bytes.Repeat([]byte("0123456789abcde\n"), int(tftpSize(name)/16)+1)[:tftpSize(name)]
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		figure, file    string
		window, clients int
	}{{"1", "kernel", 0, 1}, {"16", "large", 16, 1}, {"64", "large", 64, 1}, {"crowd", "loader", 0, tftpCrowd}} {
		l := tftpLoad{File: c.file, Size: tftpSize(c.file), Block: tftpBlocks, Window: c.window, Clients: c.clients, Port: tftpPort}
		if err := besidePeers(ctx, b, dir, c.figure, l); err != nil {
			return err
		}
	}
	return overDistance(ctx, b, dir)
}

// sending is what a server came to.
type sending struct {
	rates []float64 // MB/s
	cpu   float64   // seconds for each GiB
}

func (s sending) median() float64 { return middle(s.rates) }

// besidePeers measures us and every peer that knows the options, and reports the fastest
// beside us, and the processor time of the fastest that does not fork.
func besidePeers(ctx context.Context, b *bench, dir, figure string, l tftpLoad) error {
	ours, err := sendRounds(ctx, b, ourSender(), dir, l)
	if err != nil {
		return err
	}
	var best, counted sending
	for _, peer := range senders() {
		if l.Window > 0 && peer.windowless {
			continue
		}
		if !peer.there() {
			b.tell("tftp: %s is not installed and left out", peer.name)
			continue
		}
		got, err := sendRounds(ctx, b, peer, dir, l)
		if err != nil {
			b.tell("tftp: %s: left out: %v", peer.name, err)
			continue
		}
		if best.rates == nil || got.median() > best.median() {
			best = got
		}
		if !peer.forks && (counted.rates == nil || got.median() > counted.median()) {
			counted = got
		}
	}
	if counted.rates == nil {
		return fault.NotFoundf("no peer sends with these options").WithHint("apt-get install dnsmasq-base atftpd")
	}
	if err := b.report("tftp.rate."+figure, reading{value: ours.median(), peer: best.median()}); err != nil {
		return err
	}
	return b.report("tftp.cpu."+figure, reading{value: ours.cpu, peer: counted.cpu})
}

func sendRounds(ctx context.Context, b *bench, s sender, dir string, l tftpLoad) (out sending, err error) {
	p, err := startSender(ctx, b, s, dir)
	if err != nil {
		return out, err
	}
	for range tftpRounds {
		took, rerr := tftpFetch(ctx, b, l)
		if err = rerr; err != nil {
			break
		}
		out.rates = append(out.rates, float64(l.Size)*float64(l.Clients)/1e6/took.Seconds())
	}
	p.end()
	if err != nil {
		return out, fault.Internalf("%s: %w", s.name, err)
	}
	out.cpu = p.cpu() / (float64(l.Size) * float64(l.Clients*tftpRounds) / (1 << 30))
	b.tell("tftp: %s: %d clients, windows of %d: %.0f MB/s, %.1f s of processor a GiB", s.name, l.Clients, l.Window, out.median(), out.cpu)
	return out, nil
}

// overDistance is our server behind a relay that delays.
func overDistance(ctx context.Context, b *bench, dir string) error {
	p, err := startSender(ctx, b, ourSender(), dir)
	if err != nil {
		return err
	}
	defer p.end()
	relay, err := load.NewDistance(netip.MustParseAddrPort("127.0.0.1:69"), tftpDelay)
	if err != nil {
		return err
	}
	defer relay.Close()
	rate := map[int]float64{}
	for _, window := range []int{1, 16} {
		took, err := tftpFetch(ctx, b, tftpLoad{File: "loader", Size: tftpSize("loader"), Block: tftpBlocks, Window: window, Clients: 1, Port: relay.Port()})
		if err != nil {
			return fault.Internalf("over a distance, windows of %d: %w", window, err)
		}
		rate[window] = float64(tftpSize("loader")) / 1e6 / took.Seconds()
	}
	return b.report("tftp.distance", reading{value: rate[16], peer: rate[1]})
}

// tftpFetch has the clients in a process of their own, on the other processor.
func tftpFetch(ctx context.Context, b *bench, l tftpLoad) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	ask, err := json.Marshal(l)
	if err != nil {
		return 0, err
	}
	args := append(tasksetFor("0"), self, "-part", "tftp-clients", "-bin", string(ask))
	var said strings.Builder
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return 0, fault.Internalf("%s: %w", strings.TrimSpace(said.String()), err)
	}
	return time.ParseDuration(strings.TrimSpace(string(out)))
}

// tftpClients is that process.
func tftpClients(b *bench) error {
	var l tftpLoad
	if err := json.Unmarshal([]byte(b.bin), &l); err != nil {
		return err
	}
	took, err := load.Download{Server: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), l.Port), File: l.File, Size: l.Size, Block: l.Block, Window: l.Window, Clients: l.Clients}.Run()
	if err != nil {
		return err
	}
	_, err = os.Stdout.WriteString(took.String() + "\n")
	return err
}
