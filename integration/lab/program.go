package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"rackwright/fault"
)

// program is a process of ours.
type program struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has
}

// start starts a program with its output in a log; it dies with us.
func start(log, path string, args ...string) (*program, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fault.Internalf("log of %s: %w", path, err)
	}
	defer out.Close()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	// A group of its own: Ctrl-C reaches us, and we end our programs in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	done, err := startPinned(cmd)
	if err != nil {
		return nil, fault.Internalf("start %s: %w", path, err)
	}
	p := &program{name: filepath.Base(path), cmd: cmd, exited: make(chan struct{})}
	go func() {
		<-done
		close(p.exited)
	}()
	return p, nil
}

// alive is an error once the program has ended.
func (p *program) alive() error {
	select {
	case <-p.exited:
		return fault.Internalf("%s ended: %s", p.name, p.cmd.ProcessState)
	default:
		return nil
	}
}

// end signals the program and waits; after grace it is killed.
func (p *program) end(s os.Signal, grace time.Duration) {
	if p == nil || p.alive() != nil {
		return
	}
	p.cmd.Process.Signal(s)
	select {
	case <-p.exited:
	case <-time.After(grace):
		p.cmd.Process.Kill()
		<-p.exited
	}
}
