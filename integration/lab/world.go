package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"rackwright/api/client"
	"rackwright/fault"
)

// World is the server and the rack, running. Its files are under Dir.
type World struct {
	Dir   string // state, logs, the plan; made anew
	Bin   string // rackwright, racksim
	Cache string // ramdisk/, images/debian.raw

	Client *client.Client
	server *program
	rack   *program
}

// Paths of a world.
func (w *World) Socket() string    { return filepath.Join(w.Dir, "api.sock") }
func (w *World) Address() string   { return "unix://" + w.Socket() }
func (w *World) TokenFile() string { return filepath.Join(w.Dir, "state", "admin.token") }
func (w *World) PlanDir() string   { return filepath.Join(w.Dir, "plan") }
func (w *World) Image() string     { return filepath.Join(w.Cache, "images", "debian.raw") }
func (w *World) log(name string) string {
	return filepath.Join(w.Dir, name+".log")
}

// ConsoleLog is what a machine printed on its serial port.
func (w *World) ConsoleLog(machine string) string {
	return filepath.Join(w.Dir, "rack", machine, "console.log")
}

// Disk is the file that is a machine's disk; they count from 1.
func (w *World) Disk(machine string, n int) string {
	return filepath.Join(w.Dir, "rack", machine, fmt.Sprintf("disk%d.raw", n))
}

// FirmwareVariables is the file that a machine's UEFI firmware keeps its variables in.
func (w *World) FirmwareVariables(machine string) string {
	return filepath.Join(w.Dir, "rack", machine, "vars.fd")
}

// Images is the folder where the server stores images.
func (w *World) Images() string { return filepath.Join(w.Dir, "state", "images") }

// ServerLog is what the server logged.
func (w *World) ServerLog() string { return w.log("server") }

// NewWorld makes the folders and files of a world with a rack file; nothing runs yet.
func NewWorld(dir, bin, cache, rack string, extra ...string) (*World, error) {
	w := &World{}
	for to, from := range map[*string]string{&w.Dir: dir, &w.Bin: bin, &w.Cache: cache} {
		abs, err := filepath.Abs(from)
		if err != nil {
			return nil, err
		}
		*to = abs
	}
	for _, need := range []string{filepath.Join(w.Bin, "rackwright"), filepath.Join(w.Bin, "racksim"), w.Image(), filepath.Join(w.Cache, "ramdisk", "amd64", "initrd")} {
		if _, err := os.Stat(need); err != nil {
			return nil, fault.NotFoundf("%s is missing", need).WithHint("'make images' builds it")
		}
	}
	if err := os.RemoveAll(w.Dir); err != nil {
		return nil, err
	}
	config := fmt.Sprintf("state_dir = %q\n%s\n[api]\nlisten = %q\n[boot]\nramdisk_dir = %q\n",
		filepath.Join(w.Dir, "state"), strings.Join(extra, "\n"), "unix:"+w.Socket(), filepath.Join(w.Cache, "ramdisk"))
	for name, text := range map[string]string{"rackwright.toml": config, "rack.yaml": rack, "plan/networks.yaml": Networks} {
		path := filepath.Join(w.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Networks is the part of the plan a rack file does not know.
const Networks = `site: lab
networks:
  - name: provision
    cidr: 10.77.0.0/24
    cidr6: fd77::/64
    dhcp: authoritative
    strangers: discover
    pool: {first: 10.77.0.200, last: 10.77.0.250}
    router_adverts: true
  - name: oob
    cidr: 10.78.0.0/24
    purpose: oob
`

// StartServer starts the server and returns when its API answers.
func (w *World) StartServer(ctx context.Context) error {
	p, err := start(w.log("server"), filepath.Join(w.Bin, "rackwright"), "serve", "--config", filepath.Join(w.Dir, "rackwright.toml"))
	if err != nil {
		return err
	}
	w.server = p
	err = Until(ctx, 30*time.Second, "the server's API", func() (bool, error) {
		if err := p.alive(); err != nil {
			return false, err
		}
		token, err := os.ReadFile(w.TokenFile())
		if err != nil {
			return false, nil
		}
		if w.Client == nil {
			if w.Client, err = client.New(w.Address(), strings.TrimSpace(string(token))); err != nil {
				return false, err
			}
		}
		_, err = w.Client.Health(ctx)
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, Tail(w.ServerLog(), 10))
	}
	return nil
}

// KillServer ends the server as a power cut would.
func (w *World) KillServer() { w.server.end(syscall.SIGKILL, 5*time.Second) }

// StartRack starts the simulated rack, and writes its plan beside the networks.
func (w *World) StartRack(ctx context.Context) error {
	ready := filepath.Join(w.Dir, "rack.ready")
	args := []string{"-f", filepath.Join(w.Dir, "rack.yaml"), "--state", filepath.Join(w.Dir, "rack")}
	p, err := start(w.log("racksim"), filepath.Join(w.Bin, "racksim"), append([]string{"up", "--ready-file", ready, "-v"}, args...)...)
	if err != nil {
		return err
	}
	w.rack = p
	if err := Until(ctx, 30*time.Second, "the rack's BMCs", func() (bool, error) {
		_, err := os.Stat(ready)
		return err == nil, p.alive()
	}); err != nil {
		return fmt.Errorf("%w\n%s", err, Tail(w.log("racksim"), 10))
	}
	plan, err := exec.CommandContext(ctx, filepath.Join(w.Bin, "racksim"), append([]string{"plan"}, args...)...).Output()
	if err != nil {
		return fault.Internalf("racksim plan: %w", err)
	}
	return os.WriteFile(filepath.Join(w.PlanDir(), "rack.yaml"), plan, 0o644)
}

// Stop ends the rack and the server and waits for them.
func (w *World) Stop() {
	w.rack.end(syscall.SIGTERM, 10*time.Second)
	w.server.end(syscall.SIGTERM, 10*time.Second)
}

// Command is a rackwright command on this world.
func (w *World) Command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(w.Bin, "rackwright"), args...)
	c.Env = append(os.Environ(), "RACKWRIGHT_SERVER="+w.Address(), "RACKWRIGHT_TOKEN_FILE="+w.TokenFile())
	return c
}

// Until asks again until done says yes or fails, or the time is over.
func Until(ctx context.Context, limit time.Duration, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fault.Unreachablef("%s: not within %s", what, limit)
		case <-tick.C:
		}
	}
}

// Tail is the last lines of a file, for a diagnosis, without those of a server's requests.
func Tail(path string, lines int) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		f.Seek(max(0, end-64<<10), io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	all := slices.DeleteFunc(strings.Split(strings.TrimRight(string(text), "\n"), "\n"), func(line string) bool { return strings.Contains(line, " msg=request ") })
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
