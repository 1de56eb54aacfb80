package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rackwright/fault"
	"rackwright/racksim"
)

// firmware is a UEFI build: read-only code and the template of its variables. Zero
// for SeaBIOS, which QEMU loads by itself.
type firmware struct {
	code, vars string
	secure     bool // with Secure Boot and Microsoft's keys; it guards its variables by SMM
}

// findFirmware looks for what the machine starts with.
func findFirmware(m racksim.Machine, u uefi) (firmware, error) {
	if m.Firmware == racksim.BIOS {
		return firmware{}, nil
	}
	return u.find(m.Secure)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// paths are a machine's files in its state directory.
type paths struct{ dir, vars, authorities, console, stderr string }

func pathsIn(dir string) paths {
	return paths{
		dir:         dir,
		vars:        filepath.Join(dir, "vars.fd"),
		authorities: filepath.Join(dir, "authorities.esl"),
		console:     filepath.Join(dir, "console.log"),
		stderr:      filepath.Join(dir, "qemu.log"),
	}
}

func (p paths) disk(name string) string { return filepath.Join(p.dir, name+".raw") }

// makeDisk makes a sparse disk, or keeps the one there. A smaller one grows; a
// larger one is fault.Conflict, because cutting it would lose data.
func makeDisk(path string, size racksim.Size) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fault.Internalf("disk file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fault.Internalf("disk file: %w", err)
	}
	if info.Size() > int64(size) {
		return fault.Conflictf("disk file %s has %d bytes, the rack file says %d", path, info.Size(), size).
			WithHint("remove the file to start with an empty disk, or put the old size back")
	}
	if err := f.Truncate(int64(size)); err != nil {
		return fault.Internalf("disk file: %w", err)
	}
	return nil
}

// makeVars copies the variable template once, formatted; afterwards the firmware owns the file.
func makeVars(f firmware, path string) error {
	if f.vars == "" {
		return nil
	}
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	template, err := os.ReadFile(f.vars)
	if err != nil {
		return fmt.Errorf("firmware variables: %w", err)
	}
	return os.WriteFile(path, formatted(template), 0o600)
}
