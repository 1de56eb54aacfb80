package scripted

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"rackwright/integration/lab"
)

// rackStage marks this program run once more to become racksim in a network of its own.
const rackStage = "RACKWRIGHT_RACK_NAMESPACE"

// TestMain runs the tests in namespaces of their own, with programs built now.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == stormWord:
		fail(becomeStorm())
		os.Exit(0)
	case os.Getenv(rackStage) != "":
		fail(becomeRack())
	case lab.Inside():
		fail(lab.Prepare())
		os.Exit(m.Run())
	case os.Geteuid() != 0:
		os.Exit(m.Run()) // every test skips and says why
	}
	os.Exit(outside())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// binKey is where the built programs are, for the process inside.
const binKey = "RACKWRIGHT_SCRIPTED_BIN"

// outside builds the programs where every user may run them and enters the lab.
func outside() int {
	dir, err := os.MkdirTemp("", "rw-scripted-")
	fail(err)
	defer os.RemoveAll(dir)
	fail(os.Chmod(dir, 0o755))
	build := exec.Command("go", "build", "-buildvcs=false", "-o", dir+"/", "rackwright/cmd/rackwright", "rackwright/cmd/racksim")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	os.Setenv(binKey, dir)
	code, err := lab.Enter(context.Background(), 20*time.Second)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

func needLab(t *testing.T) context.Context {
	t.Helper()
	if !lab.Inside() {
		t.Skip("network namespaces need root: run as root")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute) // each wait has its own bound
	t.Cleanup(cancel)
	return ctx
}

func bin(name string) string { return filepath.Join(os.Getenv(binKey), name) }

// tempDir is a folder every user may enter, unlike t.TempDir.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(os.Getenv(binKey), "t-")
	ok(t, err)
	ok(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	ok(t, os.MkdirAll(filepath.Dir(path), 0o755))
	ok(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// patience is how long a test waits for what comes within seconds on a machine that has
// nothing else to do.
const patience = 2 * time.Minute

// until waits for a condition; seen describes the state when it does not come.
func until(t *testing.T, ctx context.Context, what string, is func() bool, seen func() string) {
	t.Helper()
	if err := lab.Until(ctx, patience, what, func() (bool, error) { return is(), nil }); err != nil {
		t.Fatalf("%v\n%s", err, seen())
	}
}

// process is a running program of ours; its output is in log.
type process struct {
	*exec.Cmd
	log  string
	done chan struct{}
}

// launch starts a command that dies with this process. The kernel sends the parent's
// death signal when the thread that forked ends, so that thread waits too.
func launch(t *testing.T, log string, cmd *exec.Cmd) *process {
	t.Helper()
	out, err := os.Create(log)
	ok(t, err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig, cmd.SysProcAttr.Setpgid = syscall.SIGKILL, true
	p := &process{Cmd: cmd, log: log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
		close(p.done)
	}()
	ok(t, <-started)
	t.Cleanup(func() { p.end(syscall.SIGTERM) })
	return p
}

// end signals the program and waits; it is killed when it does not end.
func (p *process) end(s syscall.Signal) {
	if p.ended() {
		return
	}
	p.Process.Signal(s)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.Process.Kill()
		<-p.done
	}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) output() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// rackAddress is the rack's on the network, as relay and as BMCs. Machines speak from their
// own, which racksim adds to its namespace.
const rackAddress = "10.77.0.2"

// wires counts the veth pairs of this process.
var wires int

// startRack starts racksim in a namespace of its own on the lab's bridge and waits until
// its BMCs answer.
func startRack(t *testing.T, ctx context.Context, dir, file string) *process {
	t.Helper()
	ready := filepath.Join(dir, "ready")
	_ = os.Remove(ready) // of an earlier rack
	cmd := exec.Command("/proc/self/exe", bin("racksim"), "up", "-f", file, "--state", filepath.Join(dir, "rack"), "--ready-file", ready)
	cmd.Env = append(os.Environ(), rackStage+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	hold, err := cmd.StdinPipe()
	ok(t, err)
	p := launch(t, filepath.Join(dir, "racksim.log"), cmd)
	unplug(fmt.Sprintf("rack%d", wires)) // the kernel ends the namespace it led to when it comes to it, and frames would go there
	wires++
	ours, theirs := fmt.Sprintf("rack%d", wires), fmt.Sprintf("side%d", wires)
	ok(t, plug(ours, theirs, p.Process.Pid))
	_, err = io.WriteString(hold, theirs+"\n")
	ok(t, errors.Join(err, hold.Close()))
	until(t, ctx, "the rack's BMCs", func() bool {
		_, err := os.Stat(ready)
		return err == nil || p.ended()
	}, p.output)
	if p.ended() {
		t.Fatalf("racksim ended:\n%s", p.output())
	}
	return p
}

// plug puts one end of a new wire into the bridge and the other into a process's network.
func plug(ours, theirs string, pid int) error {
	bridge, err := netlink.LinkByName(lab.Bridge)
	if err != nil {
		return err
	}
	wire := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: ours, MasterIndex: bridge.Attrs().Index}, PeerName: theirs,
		PeerHardwareAddr: net.HardwareAddr{0x52, 0x54, 0, 0x77, 0xff, 2}} // fixed: a rack that comes back is the same neighbour
	if err := netlink.LinkAdd(wire); err != nil {
		return err
	}
	far, err := netlink.LinkByName(theirs)
	if err != nil {
		return err
	}
	return errors.Join(netlink.LinkSetNsPid(far, pid), netlink.LinkSetUp(wire))
}

// unplug takes our end of a wire away, if it is still there.
func unplug(ours string) {
	if wire, err := netlink.LinkByName(ours); err == nil {
		_ = netlink.LinkDel(wire) // gone meanwhile
	}
}

// becomeRack is the other side: it waits for its wire, addresses it and becomes racksim.
func becomeRack() error {
	var wire string
	if _, err := fmt.Fscanln(os.Stdin, &wire); err != nil {
		return err
	}
	for name, cidr := range map[string]string{"lo": "127.0.0.1/8", wire: rackAddress + "/24"} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr(cidr)
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(link, addr); err != nil && !errors.Is(err, syscall.EEXIST) {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
	}
	return syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
}

// problem asks the API without the client and returns status, media type and body.
func problem(t *testing.T, ctx context.Context, url, token string) (int, string, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	ok(t, err)
	return answer(t, r, token)
}

// send posts JSON to the API.
func send(t *testing.T, ctx context.Context, url, token, body string) (int, string, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body))
	ok(t, err)
	r.Header.Set("Content-Type", "application/json")
	return answer(t, r, token)
}

func answer(t *testing.T, r *http.Request, token string) (int, string, string) {
	t.Helper()
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	ok(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ok(t, err)
	return resp.StatusCode, resp.Header.Get("Content-Type"), strings.TrimSpace(string(b))
}
