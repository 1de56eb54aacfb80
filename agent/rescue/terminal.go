package rescue

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// openPTY makes a pseudo-terminal (pty(7)): the end for us and the end for a program.
func openPTY(w window) (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fault.Internalf("no terminal: %w", err)
	}
	n := 0
	err = control(master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	if err == nil {
		err = setSize(master, w)
	}
	if err == nil {
		slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		_ = master.Close()
		return nil, nil, fault.Internalf("no terminal: %w", err)
	}
	return master, slave, nil
}

func setSize(f *os.File, w window) error {
	return control(f, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: w.rows, Col: w.columns})
	})
}

// control does something with a file's descriptor and leaves it as it is: File.Fd would
// make it a blocking one.
func control(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}
