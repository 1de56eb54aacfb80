package netns

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackwright/boot"
	"rackwright/journal"
	tftplisten "rackwright/tftp/listen"
)

// fetched are the ways in which clients that are not ours fetch a file, and what of it the
// journal has to say.
func fetched() []struct {
	program, pkg  string
	args          []string // SERVER, NAME and FILE stand for themselves
	block, window int
} {
	return []struct {
		program, pkg  string
		args          []string
		block, window int
	}{
		{"tftp", "tftp-hpa", []string{"-m", "binary", "SERVER", "-c", "get", "NAME", "FILE"}, 512, 1},
		{"curl", "curl", []string{"-sS", "--fail", "-o", "FILE", "tftp://SERVER/NAME"}, 512, 1},
		{"curl", "curl", []string{"-sS", "--fail", "--tftp-blksize", "1428", "-o", "FILE", "tftp://SERVER/NAME"}, 1428, 1},
		{"busybox", "busybox", []string{"tftp", "-g", "-b", "1468", "-l", "FILE", "-r", "NAME", "SERVER"}, 1468, 1},
		{"atftp", "atftp", []string{"--option", "blksize 1468", "-g", "-r", "NAME", "-l", "FILE", "SERVER"}, 1468, 1},
		{"atftp", "atftp", []string{"--option", "blksize 1468", "--option", "windowsize 16", "-g", "-r", "NAME", "-l", "FILE", "SERVER"}, 1468, 16},
		{"atftp", "atftp", []string{"--option", "blksize 65464", "--option", "windowsize 64", "-g", "-r", "NAME", "-l", "FILE", "SERVER"}, 1468, 64},
	}
}

func TestClientsThatAreNotOursFetchWithTheirOptions(t *testing.T) {
	for mode, single := range map[string]bool{"ports of their own": false, "one port": true} {
		t.Run(mode, func(t *testing.T) {
			s := newSite(t, func(l *tftplisten.Server) { l.SinglePort = single })
			m := plug(t, "br0", knownMAC)
			m.address("10.77.0.11/24")
			for _, c := range fetched() {
				t.Run(strings.Join(append([]string{c.program}, c.args...), " "), func(t *testing.T) {
					bin := need(t, c.program, c.pkg)
					s.fetch(t, m, bin, "10.77.0.1", c.args)
					e := s.await("the transfer", func(e journal.Event) bool { return e.Kind == journal.TFTPSent })
					if e.Detail["block"] != c.block || e.Detail["window"] != c.window || e.Detail["retries"] != 0 {
						t.Errorf("event is %+v", e)
					}
				})
			}
		})
	}
}

// fetch runs a client and compares what it got.
func (s *site) fetch(t *testing.T, m *machine, bin, server string, args []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "loader")
	put := strings.NewReplacer("SERVER", server, "NAME", "undionly.kpxe", "FILE", file)
	var all []string
	for _, a := range args {
		all = append(all, put.Replace(a))
	}
	if out, err := m.run(bin, all...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(got, boot.NewLoaders().Get("undionly.kpxe").Bytes()) {
		t.Errorf("%d bytes arrived, others than were sent", len(got))
	}
}

func TestTFTPIsServedOverIPv6(t *testing.T) {
	s := newSite(t)
	curl := need(t, "curl", "curl")
	m := plug(t, "br0", knownMAC)
	m.address("fd77::11/64")
	s.fetch(t, m, curl, "[fd77::1]", []string{"-gsS", "--retry", "5", "--fail", "--tftp-blksize", "65464", "-o", "FILE", "tftp://SERVER/NAME"})
	if e := s.await("the transfer", func(e journal.Event) bool { return e.Kind == journal.TFTPSent }); e.Detail["block"] != 1448 {
		t.Errorf("a block has to fit the link's 1500 bytes: %+v", e)
	}
}

// A server with two addresses answers from the one that was asked.
func TestTheAnswerComesFromTheAddressThatWasAsked(t *testing.T) {
	s := newSite(t)
	curl := need(t, "curl", "curl")
	addAddress(t, "br0", "10.77.0.9/24")
	m := plug(t, "br0", knownMAC)
	m.address("10.77.0.11/24")
	s.fetch(t, m, curl, "10.77.0.9", []string{"-sS", "--fail", "-o", "FILE", "tftp://SERVER/NAME"})
}

func TestALoaderWithoutHTTPFetchesScriptAndRamdiskByTFTP(t *testing.T) {
	s := newSite(t)
	curl := need(t, "curl", "curl")
	m := plug(t, "br0", deployMAC)
	m.address("10.77.0.12/24")
	text, err := m.run(curl, "-sS", "--fail", "tftp://10.77.0.1/pxelinux.cfg/01-52-54-00-77-00-02")
	must(t, err)
	contains(t, text, "KERNEL /boot/k/"+nonce+"/vmlinuz", "rackwright.server=https://10.77.0.1:8443")
	e := s.await("the configuration", func(e journal.Event) bool { return e.Kind == journal.TFTPSent })
	if e.Machine != "m2" || e.Detail["script"] != "agent" {
		t.Errorf("event is %+v", e)
	}
	file := filepath.Join(t.TempDir(), "initrd")
	out, err := m.run(curl, "-sS", "--fail", "--tftp-blksize", "1428", "-o", file, "tftp://10.77.0.1//boot/k/"+nonce+"/initrd")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if info, err := os.Stat(file); err != nil || info.Size() != 8<<20 {
		t.Errorf("ramdisk: %v, %v", info, err)
	}
	e = s.await("the ramdisk", func(e journal.Event) bool { return e.Kind == journal.TFTPSent })
	if strings.Contains(fmt.Sprint(e), nonce) || e.Detail["file"] != "initrd" {
		t.Errorf("event is %+v", e)
	}
}

func TestADissectorFindsNoFault(t *testing.T) {
	s := newSite(t)
	atftp, tshark := need(t, "atftp", "atftp"), need(t, "tshark", "tshark")
	m := plug(t, "br0", knownMAC)
	m.address("10.77.0.11/24")
	file := filepath.Join(t.TempDir(), "pcap")
	watch := exec.CommandContext(t.Context(), tshark, "-i", "br0", "-f", "udp", "-w", file)
	said, err := watch.StderrPipe()
	must(t, err)
	must(t, watch.Start())
	buf := make([]byte, 4096)
	for text := ""; !strings.Contains(text, "Capturing on"); {
		n, err := said.Read(buf)
		if err != nil {
			t.Fatalf("tshark: %s", text)
		}
		text += string(buf[:n])
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	// the capture begins a little after it is said: fetch until something is in it
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); {
		s.fetch(t, m, atftp, "10.77.0.1", []string{"--option", "blksize 1468", "--option", "windowsize 16", "--option", "tsize 0", "-g", "-r", "NAME", "-l", "FILE", "SERVER"})
		if info, err := os.Stat(file); err == nil && info.Size() > 50_000 {
			break
		}
	}
	must(t, watch.Process.Signal(os.Interrupt))
	_ = watch.Wait()
	seen, err := exec.Command(tshark, "-r", file, "-Y", "tftp.opcode == 6").CombinedOutput()
	if err != nil || !bytes.Contains(seen, []byte("Option Acknowledgement")) {
		t.Fatalf("no option acknowledgement was captured: %v\n%s", err, seen)
	}
	bad, err := exec.Command(tshark, "-r", file, "-Y", "_ws.malformed || tftp && _ws.expert.severity >= 6291456").Output()
	if err != nil || len(bad) > 0 {
		t.Errorf("%v\n%s", err, bad)
	}
}
