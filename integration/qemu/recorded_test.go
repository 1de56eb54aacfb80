package qemu

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// recorded writes what passes a link into a file while the test runs, and skips the test where
// there is nothing that could. stop ends it; the file is whole then.
func recorded(t *testing.T, link, filter string) (file string, stop func()) {
	t.Helper()
	bin, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("missing tcpdump: apt-get install tcpdump")
	}
	file = filepath.Join(t.TempDir(), "wire.pcap")
	watch := exec.Command(bin, "-i", link, "-U", "-s", "0", "-Z", "root", "-w", file, filter)
	said, err := watch.StderrPipe()
	check(t, err)
	check(t, watch.Start())
	ended := false
	stop = func() {
		if !ended {
			ended = true
			_ = watch.Process.Signal(os.Interrupt)
			_ = watch.Wait()
		}
	}
	t.Cleanup(stop)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.Contains(lines.Text(), "listening on") {
			return file, stop
		}
	}
	t.Fatal("tcpdump does not listen")
	return "", nil
}

// faultless has a dissector look at a recording, where there is one.
func faultless(t *testing.T, file string) {
	t.Helper()
	bin, err := exec.LookPath("tshark")
	if err != nil {
		t.Log("missing tshark: apt-get install tshark; nobody looked at the recording")
		return
	}
	read := func(filter string) string {
		out, err := exec.CommandContext(t.Context(), bin, "-r", file, "-Y", filter).Output()
		check(t, err)
		return string(out)
	}
	if bad := read("_ws.malformed || _ws.expert.severity >= 6291456 && !tftp.error.code"); bad != "" { // a file that is not there is no fault
		t.Errorf("a dissector finds faults:\n%s", bad)
	}
	if read("dhcp || dhcpv6") == "" {
		t.Error("nothing was recorded")
	}
}
