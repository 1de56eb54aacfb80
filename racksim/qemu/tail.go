package qemu

import (
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// tail passes output on and remembers the last line of it.
type tail struct {
	next io.Writer

	mu   sync.Mutex
	last string
}

// Write keeps at most the last 512 bytes.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.last += string(p)
	t.last = t.last[max(0, len(t.last)-512):]
	t.mu.Unlock()
	return t.next.Write(p)
}

// String is the last complete or unfinished line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(t.last)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// drain throws away frames that came while the machine was off. At most a tap's
// default queue of 1000 frames is read.
func drain(tap *os.File) {
	raw, err := tap.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetNonblock(int(fd), true)
		frame := make([]byte, 1<<16)
		for range 1000 {
			if _, err := unix.Read(int(fd), frame); err != nil {
				return
			}
		}
	})
}
