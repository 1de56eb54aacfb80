package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startTimeout bounds the wait for a new emulator's monitor on a loaded host.
const startTimeout = 30 * time.Second

// process is one run of the emulator, from a start of the firmware to the next.
type process struct {
	cmd  *exec.Cmd
	qmp  *monitor
	done chan struct{} // closed when the process is gone and its last event was read

	mu     sync.Mutex
	reason string // of the SHUTDOWN event: guest-reset, guest-shutdown, ...
}

// launch starts the emulator and returns when its monitor answers.
func launch(ctx context.Context, binary string, args []string, taps []*os.File, console, stderr io.Writer) (*process, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	p := &process{done: make(chan struct{})}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = console, stderr
	p.cmd.ExtraFiles = append([]*os.File{theirs}, taps...)
	// Its own process group: Ctrl-C in the terminal is for racksim alone.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p.qmp = newMonitor(ours, p.note)
	err = p.start()
	theirs.Close() // only the child's copy is left, so its end is ours' EOF
	if err != nil {
		ours.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := p.qmp.run(ctx, "qmp_capabilities", nil); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// start forks from a thread that lives as long as the child: the kernel sends
// Pdeathsig when the forking thread ends, not the process (prctl(2)).
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = p.cmd.Wait() // the reason of the end comes over QMP, complaints over stderr
		// QEMU wrote its last event before it ended, so the socket reaches EOF now.
		<-p.qmp.done
		p.qmp.conn.Close()
		close(p.done)
	}()
	return <-started
}

func (p *process) note(m message) {
	if m.Event == "SHUTDOWN" {
		p.mu.Lock()
		p.reason = m.Data.Reason
		p.mu.Unlock()
	}
}

// ended returns why the guest ended, "" when the emulator gave no reason.
func (p *process) ended() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// kill ends the process and waits until it is gone. Disk files keep what the guest
// wrote: the host's page cache outlives the process.
func (p *process) kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return
	}
	<-p.done
}

// socketPair makes the two ends of a private monitor connection; no name in the file
// system that could be too long or left behind.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("monitor socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "qmp"), os.NewFile(uintptr(fds[1]), "qmp-qemu")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("monitor socket: %w", err)
	}
	return conn, theirs, nil
}
