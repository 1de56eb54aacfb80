// Package ramdisk builds the netboot ramdisk: the agent as /init and the kernel modules a
// server may need to reach its network and its disks. It compiles and boots nothing.
package ramdisk

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"rackwright/fault"
)

// Options says what goes in.
type Options struct {
	Kernel      string   // the kernel's file, e.g. /boot/vmlinuz-VERSION
	ModulesDir  string   // its modules, a folder named for its version: /lib/modules/VERSION
	FirmwareDir string   // where the firmware that modules name is, e.g. /lib/firmware; empty: none goes in
	Agent       string   // the static program that becomes /init
	Busybox     string   // a static busybox for people in a rescue; empty: none
	Modules     []string // names without .ko, instead of the sets
	Only        []string // sets (SetNames) or modules, instead of all sets
	Out         string   // folder; the result goes to Out/Arch
	Arch        string   // amd64 or arm64, as Go names it
}

// Report is also what contents.json holds.
type Report struct {
	Arch       string   `json:"arch"`
	Version    string   `json:"kernel_version"`
	Modules    []Module `json:"modules"`
	Builtin    []string `json:"builtin"`         // expected and part of the kernel itself
	Absent     []string `json:"absent"`          // expected and not there: hardware this ramdisk cannot drive
	Firmware   []Module `json:"firmware"`        // files that modules name
	NoFirmware []string `json:"firmware_absent"` // those that were not installed where it was built
	Kernel     Stored   `json:"vmlinuz"`
	Initrd     Stored   `json:"initrd"`
	Agent      Stored   `json:"agent"`
	Busybox    *Stored  `json:"busybox,omitempty"`
	Unpacked   int64    `json:"unpacked_bytes"` // what the ramdisk takes of the machine's memory
}

// Module is one kernel module, or one firmware file, in the ramdisk; size and digest are
// of what the kernel sees.
type Module struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Stored is a file by its size and digest.
type Stored struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Build writes Out/Arch/vmlinuz, initrd and contents.json. The same inputs give the same
// bytes. A module that this kernel does not have is reported, not an error. Nothing
// half-written stays behind. Errors: NotFound, Invalid.
func Build(o Options) (Report, error) {
	machine, known := machines()[o.Arch]
	if !known {
		return Report{}, fault.Invalidf("architecture %q", o.Arch).WithHint("use amd64 or arm64")
	}
	r := Report{Arch: o.Arch, Version: filepath.Base(o.ModulesDir), Modules: []Module{}, Builtin: []string{}, Absent: []string{}, Firmware: []Module{}, NoFirmware: []string{}}
	kernel, err := readKernel(o.Kernel, o.Arch)
	if err != nil {
		return r, err
	}
	programs, err := readPrograms(o, machine)
	if err != nil {
		return r, err
	}
	tree, err := collect(o, &r)
	if err != nil {
		return r, err
	}
	plain := pack(programs, tree)
	initrd, err := compress(plain)
	if err != nil {
		return r, err
	}
	r.Kernel, r.Agent, r.Initrd, r.Unpacked = stored(kernel), stored(programs["init"]), stored(initrd), int64(len(plain))
	if b := programs[busybox]; b != nil {
		s := stored(b)
		r.Busybox = &s
	}
	return r, publish(filepath.Join(o.Out, o.Arch), kernel, initrd, r)
}

// busybox is where a busybox lies in the ramdisk (agent/rescue).
const busybox = "bin/busybox"

// machines are the architectures, and how an ELF file names them.
func machines() map[string]elf.Machine {
	return map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
}

// readPrograms reads what is run in the ramdisk, by its place there.
func readPrograms(o Options, machine elf.Machine) (map[string][]byte, error) {
	agent, err := readProgram("agent", o.Agent, machine, "build it: CGO_ENABLED=0 GOARCH="+o.Arch+" go build ./cmd/rackwright-agent")
	if err != nil || o.Busybox == "" {
		return map[string][]byte{"init": agent}, err
	}
	box, err := readProgram("busybox", o.Busybox, machine, "use the static one for this architecture: package busybox-static")
	return map[string][]byte{"init": agent, busybox: box}, err
}

// readProgram reads a static program: the ramdisk has no libraries.
func readProgram(what, path string, machine elf.Machine, hint string) ([]byte, error) {
	b, err := readInput(what, path)
	if err != nil {
		return nil, err
	}
	file, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return nil, fault.Invalidf("%s is not a Linux program: %w", path, err).WithHint("%s", hint)
	}
	if file.Machine != machine {
		return nil, fault.Invalidf("%s is a program for %s", path, file.Machine).WithHint("%s", hint)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return nil, fault.Invalidf("%s needs libraries, which the ramdisk does not have", path).WithHint("%s", hint)
		}
	}
	return b, nil
}

func readInput(what, path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.NotFoundf("cannot read the %s: %w", what, err).WithHint("name an existing file")
	}
	return b, nil
}

func stored(b []byte) Stored { return Stored{int64(len(b)), digest(b)} }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// publish puts the files in place, each whole or not at all; contents.json comes last.
func publish(dir string, kernel, initrd []byte, r Report) error {
	contents, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fault.Internalf("encode contents.json: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.Invalidf("cannot make the folder: %w", err).WithHint("name a folder that can be written to")
	}
	for _, f := range []struct {
		name  string
		bytes []byte
	}{{"vmlinuz", kernel}, {"initrd", initrd}, {"contents.json", append(contents, '\n')}} {
		if err := replace(filepath.Join(dir, f.name), f.bytes); err != nil {
			return fault.Invalidf("cannot write: %w", err).WithHint("is the disk full?")
		}
	}
	return nil
}

func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// pack renders the archive. The kernel starts modprobe by that name when it wants a module
// itself; the agent is it.
func pack(programs, tree map[string][]byte) []byte {
	var a archive
	a.directories("dev", "proc", "sys", "run", "tmp", "etc", "mnt", "sbin")
	for _, name := range sortedKeys(programs) {
		a.file(name, 0o755, programs[name])
	}
	a.link("sbin/modprobe", "/init")
	if programs[busybox] != nil {
		a.link("bin/sh", "busybox")
	}
	for _, name := range sortedKeys(tree) {
		a.file(name, 0o644, tree[name])
	}
	return a.finish()
}
