package disk

import "syscall"

// SyscallConn reaches the open device for commands of its own kind, past reads and writes.
func (d *Device) SyscallConn() (syscall.RawConn, error) { return d.f.SyscallConn() }
