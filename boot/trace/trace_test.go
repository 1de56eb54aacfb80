package trace_test

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rackwright/boot/trace"
	"rackwright/inventory"
)

var (
	noon   = time.Date(2026, 1, 1, 12, 0, 0, 5000, time.UTC)
	client = netip.MustParseAddrPort("0.0.0.0:68")
	server = netip.MustParseAddrPort("10.0.0.1:67")
	all    = netip.MustParseAddrPort("255.255.255.255:68")
)

func mac(n int) inventory.MAC { return inventory.MAC{2, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)} }

// message is a DHCP message of a type, with as many bytes of options behind it.
func message(kind byte, more int) []byte {
	m := make([]byte, 236, 1600)
	m[0], m[1], m[2] = 1, 1, 6
	if kind == 2 || kind == 5 {
		m[0] = 2
	}
	m = append(m, 99, 130, 83, 99, 53, 1, kind)
	for ; more > 0; more -= 200 {
		m = append(append(m, 224, 198), make([]byte, 198)...)
	}
	return append(m, 255)
}

func put(r *trace.Ring, n, i int, m []byte) {
	r.Packet(noon.Add(time.Duration(i)*time.Second), mac(n), false, trace.Datagram{From: client, To: server, Message: m})
}

func TestTheLastPacketsOfAMachineAreKeptInOrderAndWhole(t *testing.T) {
	r := trace.New(4, nil)
	for i := range 200 {
		put(r, 1, i, append(message(1, i%8*200), byte(i)))
	}
	put(r, 2, 0, bytes.Repeat([]byte{7}, 3000))
	list := r.Of(mac(1))
	if len(list) != trace.MaxPackets {
		t.Fatalf("%d packets", len(list))
	}
	for i, p := range list {
		n := 200 - trace.MaxPackets + i
		if want := append(message(1, n%8*200), byte(n)); !bytes.Equal(p.Message, want) && len(want) <= trace.MaxBytes || !p.At.Equal(noon.Add(time.Duration(n)*time.Second)) || p.Word() != "DISCOVER" {
			t.Fatalf("packet %d: %d bytes of %s at %s", i, len(p.Message), p.Word(), p.At)
		}
	}
	if long := r.Of(mac(2)); len(long) != 1 || len(long[0].Message) != trace.MaxBytes || long[0].Whole != 3000 {
		t.Errorf("%d long ones", len(long))
	}
}

func TestZerosThatAreLeftOutAreThereAgain(t *testing.T) {
	ones := func(m []byte, at, n int) []byte { copy(m[at:], bytes.Repeat([]byte{1}, n)); return m }
	for name, m := range map[string][]byte{
		"nothing": {}, "only zeros": make([]byte, 300), "short": message(1, 0)[:100], "to the options": ones(make([]byte, 236), 235, 1),
		"both fields": ones(ones(message(2, 0), 44, 9), 108, 128), "a file with a gap": ones(message(2, 200), 200, 3), "padded": append(message(1, 0), make([]byte, 57)...),
		"in several cells": ones(message(2, 1000), 44, 192), "too long": bytes.Repeat([]byte{7, 0}, 2000),
	} {
		r := trace.New(1, nil)
		put(r, 1, 0, m)
		if got := r.Of(mac(1)); len(got) != 1 || !bytes.Equal(got[0].Message, m[:min(len(m), trace.MaxBytes)]) || got[0].Whole != len(m) || got[0].From != client || got[0].To != server {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAFloodOfStrangersPushesNoPlannedMachineOut(t *testing.T) {
	planned := func(m inventory.MAC) bool { return m[3] == 0 && m[4] == 0 }
	r := trace.New(1, planned)
	for i := range 20 {
		put(r, i, 0, message(1, 0))
	}
	for i := 256; i < 50_000; i++ {
		put(r, i, i, message(1, 400))
	}
	for i := range 20 {
		if len(r.Of(mac(i))) != 1 {
			t.Errorf("machine %d is gone", i)
		}
	}
	if n := len(r.Strangers(netip.Addr{}, "", 100_000)); n == 0 || n > 1000 {
		t.Errorf("%d packets of strangers", n)
	}
	if len(r.Of(mac(49_999))) != 1 {
		t.Error("the newest stranger is gone")
	}
}

func TestStrangersAreFoundByRelayAndCircuit(t *testing.T) {
	r := trace.New(1, func(inventory.MAC) bool { return false })
	for i, circuit := range []string{"aaaa", "bbbb", "bbbb"} {
		m := append(message(1, 0)[:243], append([]byte{82, 6, 1, 4}, circuit+"\xff"...)...)
		m[24], m[27] = 10, byte(i)
		put(r, i, i, m)
	}
	for _, c := range []struct {
		relay, circuit string
		want           int
	}{{"", "", 3}, {"10.0.0.1", "", 1}, {"", "bbbb", 2}, {"10.0.0.2", "aaaa", 0}} {
		relay, _ := netip.ParseAddr(c.relay)
		if got := r.Strangers(relay, c.circuit, 10); len(got) != c.want {
			t.Errorf("%s %s: %d", c.relay, c.circuit, len(got))
		}
	}
}

func TestManyMayWriteAndReadAtOnce(t *testing.T) {
	r := trace.New(1, nil)
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 2000 {
				put(r, w*100+i%100, i, message(3, i%5*200))
				for _, p := range r.Of(mac(i % 400)) {
					if p.Word() != "REQUEST" {
						t.Error(p.Word())
					}
				}
			}
		})
	}
	all.Wait()
}

func TestAFullRingMakesNoGarbage(t *testing.T) {
	r := trace.New(1, nil)
	m := message(1, 0)
	for i := range 20_000 {
		put(r, i, i, m)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { put(r, i, i, m); i++ }); n >= 1 {
		t.Errorf("%v allocations for a packet", n)
	}
}

func BenchmarkAPacketIsKept(b *testing.B) {
	r, m := trace.New(32, nil), message(1, 0)
	b.ReportAllocs()
	for i := range b.N {
		put(r, i%100_000, i, m)
	}
}

func TestADissectorFindsNoFaultInACapture(t *testing.T) {
	bin, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("needs tshark: apt-get install tshark")
	}
	r := trace.New(1, nil)
	put(r, 1, 0, message(1, 0))
	r.Packet(noon, mac(1), true, trace.Datagram{From: server, To: all, Message: message(2, 400)})
	r.Packet(noon, mac(1), true, trace.Datagram{From: server, To: netip.MustParseAddrPort("10.0.0.11:68"), Message: message(5, 0)})
	put(r, 1, 1, message(3, 1000))
	file := filepath.Join(t.TempDir(), "machine.pcap")
	if err := os.WriteFile(file, trace.PCAP(r.Of(mac(1))), 0o644); err != nil {
		t.Fatal(err)
	}
	read := func(filter string, more ...string) string {
		out, err := exec.CommandContext(t.Context(), bin, append([]string{"-r", file, "-o", "ip.check_checksum:TRUE", "-Y", filter}, more...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	if got := read("dhcp && eth.addr == 02:00:00:00:00:01 || eth.dst == ff:ff:ff:ff:ff:ff", "-T", "fields", "-e", "dhcp.option.dhcp"); strings.Join(strings.Fields(got), " ") != "1 2 5 3" {
		t.Errorf("messages %q", got)
	}
	if bad := read("_ws.malformed || ip.checksum.status == 0"); bad != "" {
		t.Errorf("faults in\n%s", bad)
	}
}
