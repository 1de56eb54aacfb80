package qemu

import (
	"os"
	"sync"
)

// consoleLimit is where a console log starts over, in bytes; the one before is kept
// beside it as .1.
const consoleLimit = 8 << 20

// console appends a serial port's output to a file of bounded size. Write errors are
// swallowed: a full disk on the host must not stop the guest's serial port.
type console struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

func openConsole(path string, limit int64) (*console, error) {
	c := &console{path: path, limit: limit}
	return c, c.open()
}

func (c *console) open() error {
	f, err := os.OpenFile(c.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	c.file, c.size = f, info.Size()
	return nil
}

// Write appends p, starting a new file first when the limit is reached.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file != nil && c.size+int64(len(p)) > c.limit {
		c.rotate()
	}
	if c.file != nil {
		n, _ := c.file.Write(p)
		c.size += int64(n)
	}
	return len(p), nil
}

func (c *console) rotate() {
	c.file.Close()
	c.file = nil
	_ = os.Rename(c.path, c.path+".1")
	_ = c.open()
}

// Close closes the file; later writes go nowhere.
func (c *console) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	f := c.file
	c.file = nil
	return f.Close()
}
