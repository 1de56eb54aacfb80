package efi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Mount is where Linux shows the firmware's variables.
const Mount = "/sys/firmware/efi/efivars"

// global is the vendor GUID of the variables that UEFI itself names (section 3.3).
const global = "8be4df61-93ca-11d2-aa0d-00e098032b8c"

// stored are the attributes of a boot variable: non-volatile, seen by boot services and
// by the running system.
const stored = 7

// Variables is a folder of UEFI variables as efivarfs shows them: a file each, four bytes
// of attributes before the value.
type Variables struct{ Dir string }

// maxEntries is how many boot entries there can be: Boot0000 to BootFFFF.
const maxEntries = 1 << 16

func (v Variables) file(name string) string { return filepath.Join(v.Dir, name+"-"+global) }

// read returns a variable's value, nil when there is none.
func (v Variables) read(name string) ([]byte, error) {
	f, err := os.Open(v.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, refused("read", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxVariable+1))
	if err == nil && (len(b) < 4 || len(b) > maxVariable) {
		err = fmt.Errorf("%d bytes are no variable", len(b))
	}
	if err != nil {
		return nil, refused("read", name, err)
	}
	return b[4:], nil
}

// write sets a variable. efivarfs takes a value in one write, and lets go of a file that
// it protects only when told to (Documentation/filesystems/efivarfs.rst).
func (v Variables) write(name string, value []byte) error {
	b := append(binary.LittleEndian.AppendUint32(nil, stored), value...)
	f, err := os.OpenFile(v.file(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if errors.Is(err, fs.ErrPermission) && v.release(name) == nil {
		f, err = os.OpenFile(v.file(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	}
	if err != nil {
		return refused("write", name, err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Close()); err != nil {
		return refused("write", name, err)
	}
	back, err := v.read(name)
	if err == nil && string(back) != string(value) {
		err = refused("write", name, fmt.Errorf("the firmware keeps other bytes than were written"))
	}
	return err
}

// release takes the immutable flag off a variable's file.
func (v Variables) release(name string) error {
	f, err := os.Open(v.file(name))
	if err != nil {
		return err
	}
	defer f.Close()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	const immutable = 0x10
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags&^immutable)
}

func (v Variables) remove(name string) error {
	err := os.Remove(v.file(name))
	if errors.Is(err, fs.ErrPermission) && v.release(name) == nil {
		err = os.Remove(v.file(name))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refused("remove", name, err)
	}
	return nil
}

// options returns the boot entries by number. One that cannot be read is left out: it is
// the firmware's business.
func (v Variables) options() (map[uint16]Option, error) {
	files, err := os.ReadDir(v.Dir)
	if err != nil {
		return nil, refused("list", "Boot####", err)
	}
	found := map[uint16]Option{}
	for _, f := range files {
		hex, ok := strings.CutSuffix(f.Name(), "-"+global)
		hex, boot := strings.CutPrefix(hex, "Boot")
		n, err := strconv.ParseUint(hex, 16, 16)
		if !ok || !boot || err != nil || len(hex) != 4 {
			continue
		}
		b, err := v.read("Boot" + hex)
		if o, bad := ParseOption(b); err == nil && bad == nil {
			found[uint16(n)] = o
		}
	}
	return found, nil
}

// order reads BootOrder.
func (v Variables) order() ([]uint16, error) {
	b, err := v.read("BootOrder")
	if err != nil {
		return nil, err
	}
	var list []uint16
	for ; len(b) >= 2; b = b[2:] {
		list = append(list, binary.LittleEndian.Uint16(b))
	}
	return list, nil
}

func number(n uint16) string { return fmt.Sprintf("Boot%04X", n) }

func refused(doing, name string, err error) error {
	return fault.Unreachablef("the firmware does not let %s %s: %w", doing, name, err).
		WithHint("its variable store may be full or locked: see the firmware's set-up; the machine also boots from the disk's fallback path EFI/BOOT")
}
