package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"rackwright/fault"
	"rackwright/integration/lab"
)

// process is a server under load, on a processor of its own.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

// startProcess starts a program with its output in a log in dir. Whatever happens, it ends
// with the namespaces of the lab.
func startProcess(ctx context.Context, dir string, env []string, args ...string) (*process, error) {
	p := &process{log: filepath.Join(dir, "log"), exited: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	args = append(tasksetFor("1"), args...)
	p.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = out, out, append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us; we end it
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	if err := p.cmd.Start(); err != nil {
		return nil, fault.Internalf("start %s: %w", args[0], err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// alive is an error once the program has ended; it has the last it said.
func (p *process) alive() error {
	select {
	case <-p.exited:
		return fault.Internalf("it ended (%s)\n%s", p.cmd.ProcessState, lab.Tail(p.log, 5))
	default:
		return nil
	}
}

// end ends the program and waits for it.
func (p *process) end() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.exited
	}
}
