// Package rescue lets a person into the netbooted machine: by SSH with one of the order's
// keys, and on the serial console if the order says so. It has a small shell of its own,
// and runs the programs of a system that is mounted. Whether anybody may come in is not
// decided here.
package rescue

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"rackwright/agent/wire"
	"rackwright/fault"
	"rackwright/inventory"
)

// Ground is what a rescue stands on.
type Ground struct {
	Address string                             // of this machine, without a port; empty: nobody can log in from afar
	Port    int                                // 0: 22
	Root    string                             // of the file system that commands see: "/"
	Facts   func() inventory.Facts             // the machine's parts
	Console func() (io.ReadWriteCloser, error) // opens the serial console; nil: there is none
	Say     func(format string, args ...any)   // one line on the console
	Dmesg   func() ([]byte, error)             // the kernel's messages
	Mount   func(source, target, kind, options string, readOnly bool) error
	Unmount func(target string) error
}

// Bounds of one rescue.
const (
	maxConns     = 8 // logged in, or about to be
	maxSessions  = 16
	maxReports   = 200 // lines told to the server
	loginTime    = 30 * time.Second
	sshPort      = 22
	maxKeys      = 64
	keepAlive    = 30 * time.Second
	serverBanner = "SSH-2.0-rackwright"
)

// House is a rescue in progress.
type House struct {
	Door wire.Door

	ground Ground
	report func(string)
	keys   map[string]string // marshalled key -> its name for people
	listen net.Listener
	config *ssh.ServerConfig
	ctx    context.Context
	close  context.CancelFunc
	done   chan struct{}
	once   sync.Once
	wait   sync.WaitGroup

	mu       sync.Mutex
	conns    int
	sessions int
	reports  int
}

// Open lets people in until ctx is done, Close is called, or the order's time is over.
// report is told who came and went, in words.
func Open(ctx context.Context, g Ground, o wire.RescueOrder, report func(string)) (*House, error) {
	keys, err := readKeys(o.AuthorizedKeys)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 && !o.Serial {
		return nil, fault.Invalidf("the rescue names no key and no console").WithHint("give an SSH key, or --serial")
	}
	h := &House{ground: g, report: report, keys: keys, done: make(chan struct{})}
	h.ctx, h.close = context.WithTimeout(ctx, time.Duration(max(o.Seconds, 1))*time.Second)
	if len(keys) > 0 {
		if err := h.serve(); err != nil {
			h.close()
			return nil, err
		}
	}
	if o.Serial && g.Console != nil {
		h.wait.Go(h.console)
	}
	return h, nil
}

// readKeys reads authorized_keys lines. Options of a line are not obeyed, so a line that
// has some is refused.
func readKeys(lines []string) (map[string]string, error) {
	keys := map[string]string{}
	for _, line := range lines[:min(len(lines), maxKeys)] {
		key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil || len(options) > 0 {
			return nil, fault.Invalidf("a key cannot be read, or has options").WithHint("give the content of a .pub file")
		}
		keys[string(key.Marshal())] = strings.TrimSpace(ssh.FingerprintSHA256(key) + " " + plain(comment))
	}
	return keys, nil
}

// serve makes the host key and listens.
func (h *House) serve() error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fault.Internalf("host key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return fault.Internalf("host key: %w", err)
	}
	h.config = &ssh.ServerConfig{MaxAuthTries: 6, ServerVersion: serverBanner, PublicKeyCallback: h.admit}
	h.config.AddHostKey(signer)
	port := h.ground.Port
	if port == 0 {
		port = sshPort
	}
	// Every address: a machine may have more than the one it booted with.
	h.listen, err = new(net.ListenConfig).Listen(h.ctx, "tcp", net.JoinHostPort("", itoa(port)))
	if err != nil {
		return fault.Internalf("nobody can log in: %w", err).WithHint("another rescue may still be open")
	}
	if h.ground.Port == anyPort {
		port = h.listen.Addr().(*net.TCPAddr).Port
	}
	h.Door = wire.Door{Address: net.JoinHostPort(h.ground.Address, itoa(port)), HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))}
	context.AfterFunc(h.ctx, func() { _ = h.listen.Close() })
	h.wait.Go(h.accept)
	return nil
}

// admit lets the order's keys in, as root.
func (h *House) admit(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	name, ok := h.keys[string(key.Marshal())]
	if !ok || c.User() != "root" {
		return nil, fault.Deniedf("not let in")
	}
	return &ssh.Permissions{Extensions: map[string]string{"name": name}}, nil
}

func (h *House) accept() {
	for {
		c, err := h.listen.Accept()
		if err != nil {
			return
		}
		if !h.enter(&h.conns, maxConns) {
			_ = c.Close()
			continue
		}
		h.wait.Go(func() {
			defer h.leave(&h.conns)
			h.converse(c)
		})
	}
}

func (h *House) enter(count *int, most int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if *count >= most {
		return false
	}
	*count++
	return true
}

func (h *House) leave(count *int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*count--
}

// tell reports in words, a bounded number of times.
func (h *House) tell(words string) {
	h.mu.Lock()
	h.reports++
	n := h.reports
	h.mu.Unlock()
	if n <= maxReports {
		h.report(words)
	}
}

// Finish is what a person's "reboot" does: Done tells whoever opened the house.
func (h *House) Finish() { h.once.Do(func() { close(h.done) }) }

// Done is closed when a person has finished.
func (h *House) Done() <-chan struct{} { return h.done }

// Close sends everybody out and returns when they are gone, or soon after.
func (h *House) Close() {
	h.close()
	gone := make(chan struct{})
	go func() {
		h.wait.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
	}
}

// console gives the person at the serial console a shell, again and again.
func (h *House) console() {
	for h.ctx.Err() == nil {
		c, err := h.ground.Console()
		if err != nil {
			h.ground.Say("no shell on the console: %v", err)
			return
		}
		stop := context.AfterFunc(h.ctx, func() { _ = c.Close() })
		file, _ := c.(*os.File)
		s := &shell{house: h, in: c, out: c, tty: file, dir: "/", prompt: true, wide: defaultWindow}
		s.say("Rescue. Type help; exit --done ends it and restarts the machine.")
		s.loop(h.ctx)
		stop()
		_ = c.Close()
	}
}

// plain keeps the printable ASCII of foreign text.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 100)]
}
