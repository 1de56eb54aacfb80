package rootfs

import (
	"bytes"
	"context"
	"os/exec"
	"syscall"

	"rackwright/fault"
)

// maxOutput bounds what is kept of a program's output.
const maxOutput = 64 << 10

// Chroot is Tools of the real machine. It needs root.
func Chroot(ctx context.Context, root, program string, args ...string) (string, error) {
	path, err := Look(root, program)
	if err != nil {
		return "", fault.NotFoundf("the root file system has no %s", program).WithHint("put the package with it into the root file system, then add it again")
	}
	c := exec.CommandContext(ctx, path, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	c.Dir = "/"
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root"}
	out := &end{}
	c.Stdout, c.Stderr = out, out
	if err := c.Run(); err != nil {
		return out.String(), fault.Invalidf("%s of the root file system failed: %w: %s", program, err, tail(out.String())).
			WithHint("try it in a chroot of the root file system; mend it, then add it again")
	}
	return out.String(), nil
}

// end keeps the last part of what is written to it.
type end struct{ bytes.Buffer }

// Write implements io.Writer.
func (e *end) Write(p []byte) (int, error) {
	n, err := e.Buffer.Write(p)
	if more := e.Len() - maxOutput; more > 0 {
		e.Next(more)
	}
	return n, err
}
