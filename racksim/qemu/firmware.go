package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"rackwright/fault"
	"rackwright/racksim"
)

// Binary is the emulator, looked for in PATH.
const Binary = "qemu-system-x86_64"

// firmware is a UEFI build: read-only code and the template of its variables. Zero
// for SeaBIOS, which QEMU loads by itself.
type firmware struct {
	code, vars string
	secure     bool // with Secure Boot and Microsoft's keys; it guards its variables by SMM
}

// ovmfDir is where Debian's and Ubuntu's ovmf package puts its builds.
const ovmfDir = "/usr/share/OVMF"

// findFirmware looks for OVMF, with Secure Boot where the machine has it. fault.NotFound says
// which package to install.
func findFirmware(m racksim.Machine, dir string) (firmware, error) {
	if m.Firmware == racksim.BIOS {
		return firmware{}, nil
	}
	flavours := []string{"_4M", ""}
	if m.Secure {
		flavours = []string{"_4M.ms", ".ms"}
	}
	for _, flavour := range flavours {
		f := firmware{filepath.Join(dir, "OVMF_CODE"+flavour+".fd"), filepath.Join(dir, "OVMF_VARS"+flavour+".fd"), m.Secure}
		if exists(f.code) && exists(f.vars) {
			return f, nil
		}
	}
	return firmware{}, fault.NotFoundf("UEFI firmware %s/OVMF_CODE%s.fd is missing", dir, flavours[0]).WithHint("apt-get install ovmf")
}

func findBinary() (string, error) {
	path, err := exec.LookPath(Binary)
	if err != nil {
		return "", fault.NotFoundf("%s is not in PATH", Binary).WithHint("apt-get install qemu-system-x86 ipxe-qemu")
	}
	return path, nil
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

// makeVars copies the variable template once; afterwards the firmware owns the file.
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
	return os.WriteFile(path, template, 0o600)
}
