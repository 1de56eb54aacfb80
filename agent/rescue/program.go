package rescue

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// exited is a program's exit status other than 0.
type exited uint8

func (e exited) Error() string { return "exit status " + strconv.Itoa(int(e)) }

// run runs a program, below root if that is not empty, with the person's terminal or, when
// there is none, with what comes and goes as it is.
func (s *shell) run(ctx context.Context, root, path string, argv []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := exec.CommandContext(ctx, path)
	c.Args, c.Dir = argv, s.path(".")
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "TERM=" + s.terminal()}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if root != "" {
		c.SysProcAttr.Chroot, c.Dir = root, "/"
	}
	c.WaitDelay = 2 * time.Second
	c.Cancel = func() error { return unix.Kill(-c.Process.Pid, unix.SIGHUP) }
	switch {
	case s.tty != nil:
		c.Stdin, c.Stdout, c.Stderr = s.tty, s.tty, s.tty
		c.SysProcAttr.Setctty = true
		return outcome(c.Run())
	case s.pty:
		return s.onTerminal(c)
	}
	c.Stdout, c.Stderr = s.out, s.out
	if s.lines == nil { // a single command has what comes in for itself
		return s.piped(c)
	}
	return outcome(c.Run())
}

// piped hands what comes in to the program. What the other end sends after the program's
// end is not waited for.
func (s *shell) piped(c *exec.Cmd) error {
	stdin, err := c.StdinPipe()
	if err != nil {
		return fault.Internalf("pipe: %w", err)
	}
	if err := c.Start(); err != nil {
		return outcome(err)
	}
	go func() {
		_, _ = io.Copy(stdin, s.in)
		_ = stdin.Close()
	}()
	return outcome(c.Wait())
}

func (s *shell) terminal() string {
	if s.term == "" {
		return "vt100"
	}
	return s.term
}

// outcome turns a program's end into an error for people.
func outcome(err error) error {
	var e *exec.ExitError
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.As(err, &e):
		if code := e.ExitCode(); code > 0 {
			return exited(code)
		}
		return fault.Conflictf("%s", e.String())
	case errors.Is(err, os.ErrNotExist):
		return fault.NotFoundf("there is no such program, or its loader is missing: %w", err)
	}
	return fault.Conflictf("%w", err)
}

// onTerminal runs a program on a terminal of its own, whose other end is the person's.
func (s *shell) onTerminal(c *exec.Cmd) error {
	master, slave, err := openPTY(s.wide)
	if err != nil {
		return err
	}
	defer master.Close()
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.SysProcAttr.Setctty = true
	err = c.Start()
	_ = slave.Close()
	if err != nil {
		return outcome(err)
	}
	ended := make(chan struct{})
	var hands sync.WaitGroup
	hands.Go(func() { s.keystrokes(master, ended) })
	hands.Go(func() { s.resize(master, ended) })
	seen := make(chan struct{})
	go func() {
		_, _ = io.Copy(s.raw, master) // ends when the last program that has the terminal does
		close(seen)
	}()
	err = outcome(c.Wait())
	close(ended)
	hands.Wait()
	select {
	case <-seen:
	case <-time.After(time.Second): // a program left behind keeps it open
	}
	return err
}

// keystrokes hands what the person types to the program until it ends.
func (s *shell) keystrokes(to io.Writer, ended <-chan struct{}) {
	for {
		b, ok := s.input.next(ended)
		if !ok {
			return
		}
		if _, err := to.Write(b); err != nil {
			return
		}
	}
}

// resize tells the program's terminal the size of the person's.
func (s *shell) resize(master *os.File, ended <-chan struct{}) {
	for {
		select {
		case s.wide = <-s.sizes:
			_ = setSize(master, s.wide)
		case <-ended:
			return
		}
	}
}

// input is what a person types. Whoever is in front reads it; nothing is lost when that
// changes.
type input struct {
	chunks chan []byte
	rest   []byte
}

// newInput reads from r until it ends or ctx does.
func newInput(ctx context.Context, r io.Reader) *input {
	i := &input{chunks: make(chan []byte)}
	go func() {
		defer close(i.chunks)
		for {
			b := make([]byte, 4096)
			n, err := r.Read(b)
			if n > 0 {
				select {
				case i.chunks <- b[:n]:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return i
}

// Read waits for the next bytes.
func (i *input) Read(p []byte) (int, error) {
	if len(i.rest) == 0 {
		b, ok := <-i.chunks
		if !ok {
			return 0, io.EOF
		}
		i.rest = b
	}
	n := copy(p, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

// next returns the next bytes, false when there are none any more or ended is closed.
func (i *input) next(ended <-chan struct{}) ([]byte, bool) {
	if b := i.rest; len(b) > 0 {
		i.rest = nil
		return b, true
	}
	select {
	case b, ok := <-i.chunks:
		return b, ok
	case <-ended:
		return nil, false
	}
}
