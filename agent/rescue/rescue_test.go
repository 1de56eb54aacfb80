package rescue

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"rackwright/agent/wire"
	"rackwright/inventory"
)

// visit is a rescue on this machine with a person who has a key, and their ssh client.
type visit struct {
	*testing.T
	house *House
	dir   string
	mu    sync.Mutex
	told  []string
}

func (v *visit) said(words string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.told = append(v.told, words)
}

func (v *visit) ok(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// key writes a private key and returns its authorized_keys line.
func (v *visit) key(name string) string {
	v.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	v.ok(err)
	block, err := ssh.MarshalPrivateKey(private, name)
	v.ok(err)
	v.ok(os.WriteFile(filepath.Join(v.dir, name), pem.EncodeToMemory(block), 0o600))
	p, err := ssh.NewPublicKey(public)
	v.ok(err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p))) + " " + name
}

func newVisit(t *testing.T, g Ground, seconds int) *visit {
	t.Helper()
	v := &visit{T: t, dir: t.TempDir()}
	g.Address, g.Port, g.Say = "127.0.0.1", anyPort, t.Logf
	if g.Root == "" {
		g.Root = "/"
	}
	g.Facts = func() inventory.Facts {
		return inventory.Facts{PCI: []inventory.PCIDevice{{Address: "0000:00:03.0", ID: "1af4:1000", Class: "0200", Driver: "virtio-pci"}},
			Disks: []inventory.Disk{{Path: "/dev/sda", Bytes: 1 << 30, Type: "ssd", Serial: "S-1", Health: &inventory.DiskHealth{}}}}
	}
	house, err := Open(context.Background(), g, wire.RescueOrder{AuthorizedKeys: []string{v.key("alice")}, Seconds: seconds}, v.said)
	v.ok(err)
	v.house = house
	t.Cleanup(house.Close)
	return v
}

// ssh runs the real client. It is given the host key that the door names.
func (v *visit) ssh(key string, input io.Reader, words ...string) (string, error) {
	v.Helper()
	c := v.client(key, words...)
	c.Stdin = input
	out, err := c.CombinedOutput()
	return strings.ReplaceAll(string(out), "\r\n", "\n"), err
}

func (v *visit) client(key string, words ...string) *exec.Cmd {
	v.Helper()
	program, err := exec.LookPath("ssh")
	if err != nil {
		v.Skip("ssh is missing: apt-get install openssh-client")
	}
	host, port, err := net.SplitHostPort(v.house.Door.Address)
	v.ok(err)
	known := filepath.Join(v.dir, "known_hosts")
	v.ok(os.WriteFile(known, []byte("["+host+"]:"+port+" "+v.house.Door.HostKey+"\n"), 0o600))
	args := []string{"-F", "none", "-p", port, "-i", filepath.Join(v.dir, key), "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile=" + known,
		"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"}
	return exec.Command(program, append(args, words...)...)
}

func TestAPersonWithTheKeyLooksAround(t *testing.T) {
	root := t.TempDir()
	v := newVisit(t, Ground{Root: root, Dmesg: func() ([]byte, error) { return []byte("[0.1] eth0: link is down\n"), nil }}, 600)
	v.ok(os.WriteFile(filepath.Join(root, "disk"), bytes.Repeat([]byte("RACK"), 300), 0o600))
	for words, want := range map[string]string{
		"cat disk":            strings.Repeat("RACK", 300),
		"dmesg":               "[0.1] eth0: link is down\n",
		"lspci":               "0000:00:03.0  1af4:1000  class 0200  virtio-pci     \n",
		"hexdump disk 0x10 4": "00000010  52 41 43 4b                                       |RACK|\n",
		"read disk 4 8":       "RACKRACK",
		"ls disk":             "disk",
		"lsblk":               "serial S-1\n  ! it says that it is failing\n",
		"facts":               `"0000:00:03.0"`,
		"ip":                  "127.0.0.1",
		"help":                "chroot",
	} {
		got, err := v.ssh("alice", nil, "root@127.0.0.1", words)
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v\n%q", words, err, got)
		}
	}
	for words, want := range map[string]string{"cat nothing": "no such file", "nonsense": "type help", "cat 'x": "a quote is not closed", "hexdump disk x": "no number of bytes", "umount": "usage"} {
		if got, err := v.ssh("alice", nil, "root@127.0.0.1", words); err == nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v %q", words, err, got)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.ContainsFunc(v.told, func(s string) bool {
		return strings.HasPrefix(s, "logged in: SHA256:") && strings.Contains(s, "alice from 127.0.0.1:")
	}) {
		t.Errorf("told %q", v.told)
	}
}

func TestLinesThatComeThroughAPipeAreDone(t *testing.T) {
	v := newVisit(t, Ground{}, 600)
	got, err := v.ssh("alice", strings.NewReader("cd /proc\npwd\nexit\n"), "-T", "root@127.0.0.1")
	if err != nil || got != "/proc\n" {
		t.Errorf("%v %q", err, got)
	}
}

func TestAProgramHasATerminalOfItsOwn(t *testing.T) {
	v := newVisit(t, Ground{}, 600)
	got, err := v.ssh("alice", nil, "-tt", "root@127.0.0.1", "/bin/sh -c 'tty; stty size; exit 3'")
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 3 || !strings.Contains(got, "/dev/pts/") || !strings.Contains(got, "24 80") {
		t.Errorf("%v %q", err, got)
	}
}

func TestAPersonTypesToAProgramAndThenToTheShellAgain(t *testing.T) {
	v := newVisit(t, Ground{}, 600)
	in, typing, err := os.Pipe()
	v.ok(err)
	seen, out, err := os.Pipe()
	v.ok(err)
	defer seen.Close()
	v.ok(seen.SetReadDeadline(time.Now().Add(time.Minute)))
	c := v.client("alice", "-tt", "root@127.0.0.1")
	c.Stdin, c.Stdout, c.Stderr = in, out, out
	v.ok(c.Start())
	_, _ = in.Close(), out.Close()
	all := ""
	until := func(want string) {
		t.Helper()
		b := make([]byte, 4096)
		for !strings.Contains(all, want) {
			n, err := seen.Read(b)
			if err != nil {
				t.Fatalf("no %q in %q: %v", want, all, err)
			}
			all += string(b[:n])
		}
		_, all, _ = strings.Cut(all, want)
	}
	for _, step := range []struct{ want, line string }{
		{"rescue:/# ", "/bin/sh -c 'echo name?; read a; echo got-$a; read b; echo and-$b'\r"}, {"name?", "hello\r"}, {"got-hello", "you\r"}, {"and-you", ""},
		{"rescue:/# ", "nonsense\x03"}, {"nonsense", "cd /proc\r"}, {"rescue:/proc# ", "pwd\r"}, {"\n/proc\r\n", "exit\r"},
	} {
		until(step.want)
		_, err := io.WriteString(typing, step.line)
		v.ok(err)
	}
	v.ok(c.Wait())
	_ = typing.Close()
}

func TestAPipeGoesThroughAProgram(t *testing.T) {
	v := newVisit(t, Ground{}, 600)
	got, err := v.ssh("alice", strings.NewReader("one\ntwo\n"), "-T", "root@127.0.0.1", "/usr/bin/sort -r")
	if err != nil || got != "two\none\n" {
		t.Errorf("%v %q", err, got)
	}
}

func TestAnybodyElseStaysOutside(t *testing.T) {
	v := newVisit(t, Ground{}, 600)
	v.key("mallory")
	for _, c := range []struct{ key, user string }{{"mallory", "root"}, {"alice", "admin"}} {
		if got, err := v.ssh(c.key, nil, c.user+"@127.0.0.1", "pwd"); err == nil || !strings.Contains(got, "Permission denied") {
			t.Errorf("%s as %s: %v %q", c.key, c.user, err, got)
		}
	}
	if len(v.told) > 0 {
		t.Errorf("told %q", v.told)
	}
}

func TestForwardingAndFileTransferAreNotOffered(t *testing.T) {
	v := newVisit(t, Ground{}, 600)
	if got, err := v.ssh("alice", nil, "-W", "127.0.0.1:1", "root@127.0.0.1"); err == nil {
		t.Errorf("a connection was forwarded: %q", got)
	}
	if got, err := v.ssh("alice", nil, "-s", "root@127.0.0.1", "sftp"); err == nil {
		t.Errorf("a subsystem was started: %q", got)
	}
}

func TestTheRescueEndsWhenThePersonSaysSo(t *testing.T) {
	for _, words := range []string{"reboot", "exit --done"} {
		v := newVisit(t, Ground{}, 600)
		got, err := v.ssh("alice", nil, "root@127.0.0.1", words)
		if err != nil || !strings.Contains(got, "The rescue ends") {
			t.Errorf("%v %q", err, got)
		}
		select {
		case <-v.house.Done():
		default:
			t.Errorf("%s did not end it", words)
		}
	}
}

func TestNobodyStaysWhenTheTimeIsOver(t *testing.T) {
	v := newVisit(t, Ground{}, 2)
	in, typing, err := os.Pipe()
	v.ok(err)
	defer typing.Close()
	got, err := v.ssh("alice", in, "-tt", "root@127.0.0.1")
	if err == nil {
		t.Errorf("the session ended well: %q", got)
	}
	if _, err := net.Dial("tcp", v.house.Door.Address); err == nil {
		t.Error("the door is still open")
	}
}

func TestMountsGoWhereTheShellSaysWithTheFirstTypeThatFits(t *testing.T) {
	root := t.TempDir()
	var done []string
	g := Ground{Root: root, Mount: func(source, target, kind, options string, readOnly bool) error {
		done = append(done, strings.Join([]string{strings.TrimPrefix(source, root), strings.TrimPrefix(target, root), kind, options, map[bool]string{true: "ro", false: "rw"}[readOnly]}, " "))
		if kind == "ext4" {
			return os.ErrInvalid
		}
		return nil
	}, Unmount: func(target string) error {
		done = append(done, "umount "+strings.TrimPrefix(target, root))
		return nil
	}}
	v := newVisit(t, g, 600)
	for _, words := range []string{"mount -r /dev/sda1 /mnt", "mount -t vfat -o ro,umask=077 /dev/sda2 /mnt/boot", "umount /mnt"} {
		if got, err := v.ssh("alice", nil, "root@127.0.0.1", words); err != nil {
			t.Errorf("%s: %v %q", words, err, got)
		}
	}
	want := []string{"/dev/sda1 /mnt ext4  ro", "/dev/sda1 /mnt xfs  ro", "/dev/sda2 /mnt/boot vfat umask=077 ro", "umount /mnt"}
	if !slices.Equal(done, want) {
		t.Errorf("got %q", done)
	}
}

func TestAProgramOfAMountedSystemRunsInIt(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	busybox, err := os.ReadFile(staticBusybox())
	if err != nil {
		t.Skip("busybox is missing: apt-get install busybox-static")
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "mnt/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "mnt/bin/cat"), busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "mnt/hostname"), []byte("inside\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := newVisit(t, Ground{Root: root}, 600)
	got, err := v.ssh("alice", nil, "root@127.0.0.1", "chroot /mnt cat /hostname")
	if err != nil && strings.Contains(got, "loader is missing") {
		t.Skip("this busybox is not static: apt-get install busybox-static")
	}
	if err != nil || got != "inside\n" {
		t.Errorf("%v %q", err, got)
	}
	if got, err := v.ssh("alice", nil, "root@127.0.0.1", "chroot /mnt vi"); err == nil || !strings.Contains(got, "no program of that system") {
		t.Errorf("%v %q", err, got)
	}
}

func TestAnOrderThatLetsNobodyInIsRefused(t *testing.T) {
	for name, o := range map[string]wire.RescueOrder{"no key": {}, "no key that can be read": {AuthorizedKeys: []string{"ssh-ed25519 x"}},
		"a key with options": {AuthorizedKeys: []string{`command="x" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1pxyzbFyjzVqkRJJtTnzVfxwPfHCsDV4lYqI6Nq6PV`}}} {
		if h, err := Open(t.Context(), Ground{}, o, nil); err == nil {
			h.Close()
			t.Errorf("%s was let in", name)
		}
	}
}

func TestTheConsoleHasAShell(t *testing.T) {
	near, far := net.Pipe()
	opened := 0
	g := Ground{Root: "/", Say: t.Logf, Console: func() (io.ReadWriteCloser, error) {
		if opened++; opened > 1 {
			return nil, os.ErrClosed
		}
		return near, nil
	}}
	h, err := Open(t.Context(), g, wire.RescueOrder{Serial: true, Seconds: 600}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	go func() { _, _ = io.WriteString(far, "pwd\nexit --done\n") }()
	out, err := io.ReadAll(far)
	if err != nil || !strings.Contains(string(out), "rescue:/# /\n") {
		t.Errorf("%v %q", err, out)
	}
	<-h.Done()
}

func TestWords(t *testing.T) {
	for line, want := range map[string][]string{"": nil, "  ls  -l ": {"ls", "-l"}, `cat "a b" 'c\d' e\ f ""`: {"cat", "a b", `c\d`, "e f", ""}} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v", line, got, err)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add(`cat "a b" 'c' d\ e`)
	f.Fuzz(func(_ *testing.T, line string) { _, _ = split(line) })
}

func FuzzRequests(f *testing.F) {
	f.Add(append([]byte{0, 0, 0, 5}, "xterm\x00\x00\x00\x50\x00\x00\x00\x18"...))
	f.Fuzz(func(_ *testing.T, b []byte) { readPTY(b); readWindow(b); readString(b) })
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// staticBusybox is where one may be.
func staticBusybox() string {
	if path := os.Getenv("RACKWRIGHT_BUSYBOX"); path != "" {
		return path
	}
	return "/bin/busybox"
}

func TestABusyboxBringsPipesAndItsPrograms(t *testing.T) {
	busybox, err := os.ReadFile(staticBusybox())
	if err != nil {
		t.Skip("busybox is missing: apt-get install busybox-static")
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	v := newVisit(t, Ground{Root: root}, 600)
	for words, want := range map[string]string{"echo one two | /bin/sed s/two/three/": "one three\n", "printf %s hello": "hello"} {
		if got, err := v.ssh("alice", nil, "root@127.0.0.1", words); err != nil || got != want {
			t.Errorf("%s: %v %q", words, err, got)
		}
	}
}
