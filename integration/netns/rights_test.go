package netns

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/boot"
	"rackwright/journal"
)

const servesEnv = "RACKWRIGHT_NETNS_SERVES"

// The unit's three capabilities do for all that the servers open: as nobody, this binary serves
// networks that it did not make.
func TestThreeCapabilitiesAreEnough(t *testing.T) {
	needRoot(t)
	if os.Getenv(servesEnv) != "" {
		serveUntilTheEnd(t)
		return
	}
	tftp := need(t, "tftp", "tftp-hpa")
	bridge(t, "br0", "10.77.0.1/24")
	bridge(t, "br1", "10.78.0.1/24")
	said := asNobody(t, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW)
	m := plug(t, "br0", knownMAC)
	contains(t, dhclientOnce(t, m), "fixed-address 10.77.0.11")
	m.address("10.77.0.11/24")
	file := filepath.Join(t.TempDir(), "loader")
	if out, err := m.run(tftp, "-m", "binary", "10.77.0.1", "-c", "get", "undionly.kpxe", file); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if got, _ := os.ReadFile(file); !bytes.Equal(got, boot.NewLoaders().Get("undionly.kpxe").Bytes()) {
		t.Errorf("%d bytes arrived, others than were sent", len(got))
	}
	plug(t, "br1", secondMAC).address("10.78.0.100/24") // found by ARP before it is lent
	if got := request(t, plug(t, "br1", strangerMAC), strangerMAC).ACK.YourIPAddr.String(); got != "10.78.0.101" {
		t.Errorf("a stranger was given %s", got)
	}
	bridge(t, "br2", "")
	late := plug(t, "br2", deployMAC)
	addAddress(t, "br2", "10.77.0.2/24")
	if got := request(t, late, deployMAC).ACK.ServerIdentifier().String(); got != "10.77.0.2" {
		t.Errorf("on a new interface %s answered", got)
	}
	for line := range strings.Lines(said()) {
		if strings.Contains(line, "CAP_") || strings.Contains(line, "permitted") {
			t.Errorf("something could not be had: %s", line)
		}
	}
}

// serveUntilTheEnd says that it serves, and does until its standard input ends.
func serveUntilTheEnd(t *testing.T) {
	s := &site{t: t, events: make(chan journal.Event, 1000), sightings: make(chan boot.Sighting, 1000), view: inventoryView()}
	s.serve()
	fmt.Fprintln(os.Stdout, "\nserves")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// asNobody runs this test again as a user with some capabilities and no other rights, and
// returns what ends it and tells what it said.
func asNobody(t *testing.T, caps ...uintptr) (said func() string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env, cmd.Dir = append(os.Environ(), servesEnv+"=1"), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: caps} // it ends when its standard input does
	out := &lines{}
	cmd.Stdout, cmd.Stderr = out, out
	stdin, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	end := func() string {
		stdin.Close()
		_ = cmd.Wait()
		return out.String()
	}
	t.Cleanup(func() { end() })
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(out.String(), "\nserves\n"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not serve:\n%s", end())
		}
	}
	var want uint64
	for _, c := range caps {
		want |= 1 << c
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	must(t, err)
	contains(t, string(status), fmt.Sprintf("CapEff:\t%016x", want), fmt.Sprintf("CapPrm:\t%016x", want), "Uid:\t65534\t65534")
	return end
}

// lines keeps what a program says.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
