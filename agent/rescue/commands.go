package rescue

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rackwright/fault"
)

// command is one of the shell's own.
type command struct {
	usage, what string
	least, most int // words after it; -1: any number
	run         func(ctx context.Context, s *shell, args []string) error
}

// commands are the shell's own, by name.
func commands() map[string]command {
	return map[string]command{
		"help":    {"", "this list", 0, 0, help},
		"ls":      {"[DIR]", "list a directory", 0, 1, list},
		"cd":      {"DIR", "go to a directory", 1, 1, enter},
		"pwd":     {"", "where this is", 0, 0, func(_ context.Context, s *shell, _ []string) error { s.say("%s", s.dir); return nil }},
		"cat":     {"FILE...", "show files", 1, -1, show},
		"hexdump": {"FILE [OFFSET [BYTES]]", "show bytes of a file or a disk", 1, 3, dump},
		"read":    {"FILE [OFFSET [BYTES]]", "write bytes of a file or a disk to the output as they are, e.g. ssh ... read /dev/sda >disk.img", 1, 3, copyOut},
		"dmesg":   {"", "the kernel's messages", 0, 0, dmesg},
		"lspci":   {"", "the devices on the PCI bus and their drivers", 0, 0, lspci},
		"lsblk":   {"", "the disks and their partitions", 0, 0, lsblk},
		"ip":      {"", "the network ports and their addresses", 0, 0, ports},
		"facts":   {"", "all that is known of the machine, as JSON", 0, 0, facts},
		"mount":   {"[-r] [-t TYPE] [-o OPTIONS] DEVICE DIR", "mount a file system; without words: what is mounted", 0, -1, mount},
		"umount":  {"DIR", "unmount a file system", 1, 1, umount},
		"chroot":  {"DIR [PROGRAM [WORD...]]", "run a program of a mounted system, /bin/sh without one; it finds /dev, /proc and /sys", 1, -1, chroot},
		"reboot":  {"", "end the rescue and restart the machine from its disk", 0, 0, finish},
		"exit":    {"[--done]", "leave; with --done end the rescue and restart the machine", 0, 1, leave},
	}
}

func help(_ context.Context, s *shell, _ []string) error {
	all := commands()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s.say("%-8s %-42s %s", name, all[name].usage, all[name].what)
	}
	if s.busybox() != "" {
		s.say("There is a busybox as well: sh, vi, grep and others, pipes and redirections.")
	}
	return nil
}

// maxListed bounds what one ls prints.
const maxListed = 20000

func list(_ context.Context, s *shell, args []string) error {
	name := "."
	if len(args) > 0 {
		name = args[0]
	}
	info, err := os.Stat(s.path(name))
	if err != nil {
		return unreadable(err)
	}
	if !info.IsDir() {
		s.entry(fs.FileInfoToDirEntry(info), "")
		return nil
	}
	entries, err := os.ReadDir(s.path(name))
	for i, e := range entries {
		if i == maxListed {
			return fault.Conflictf("and %d more", len(entries)-i)
		}
		s.entry(e, filepath.Join(s.path(name), e.Name()))
	}
	if err != nil {
		return unreadable(err)
	}
	return nil
}

func (s *shell) entry(e fs.DirEntry, path string) {
	info, err := e.Info()
	if err != nil {
		s.say("%-11s %12s %-16s %s", "?", "?", "?", plain(e.Name()))
		return
	}
	to := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		to, _ = os.Readlink(path)
		to = " -> " + plain(to)
	}
	s.say("%-11s %12d %s %s%s", info.Mode(), info.Size(), info.ModTime().UTC().Format("2006-01-02 15:04"), plain(e.Name()), to)
}

// unreadable gives an error of a file without its inner words twice.
func unreadable(err error) error { return fault.NotFoundf("%w", err) }

func enter(_ context.Context, s *shell, args []string) error {
	info, err := os.Stat(s.path(args[0]))
	if err != nil || !info.IsDir() {
		return fault.NotFoundf("%s is no directory", plain(args[0]))
	}
	if filepath.IsAbs(args[0]) {
		s.dir = filepath.Clean(args[0])
	} else {
		s.dir = filepath.Join(s.dir, args[0])
	}
	return nil
}

func show(ctx context.Context, s *shell, args []string) error {
	for _, name := range args {
		if err := s.copyFrom(ctx, name, 0, -1, s.out); err != nil {
			return err
		}
	}
	return nil
}

func copyOut(ctx context.Context, s *shell, args []string) error {
	offset, size, err := extent(args, -1)
	if err != nil {
		return err
	}
	to := s.out
	if s.pty {
		return fault.Invalidf("this is for a pipe").WithHint("run it without a terminal: ssh -T ... read %s >FILE", args[0])
	}
	return s.copyFrom(ctx, args[0], offset, size, to)
}

// defaultDump is how much a hexdump shows.
const defaultDump = 512

func dump(ctx context.Context, s *shell, args []string) error {
	offset, size, err := extent(args, defaultDump)
	if err != nil {
		return err
	}
	if size > 1<<20 {
		return fault.Invalidf("that is too much to read").WithHint("say at most 1048576 bytes")
	}
	var b bytes.Buffer
	if err := s.copyFrom(ctx, args[0], offset, size, &b); err != nil {
		return err
	}
	for line := range strings.Lines(hex.Dump(b.Bytes())) {
		at, _ := strconv.ParseInt(line[:8], 16, 64)
		fmt.Fprintf(s.out, "%08x%s", offset+at, line[8:])
	}
	return nil
}

// extent reads OFFSET and BYTES; both may have 0x before them.
func extent(args []string, size int64) (int64, int64, error) {
	numbers := []int64{0, size}
	for i, word := range args[1:] {
		n, err := strconv.ParseInt(word, 0, 64)
		if err != nil || n < 0 {
			return 0, 0, fault.Invalidf("%q is no number of bytes", plain(word))
		}
		numbers[i] = n
	}
	return numbers[0], numbers[1], nil
}

// copyFrom copies so many bytes of a file, -1 for all; until ctx is done.
func (s *shell) copyFrom(ctx context.Context, name string, offset, size int64, to io.Writer) error {
	f, err := os.Open(s.path(name))
	if err != nil {
		return unreadable(err)
	}
	defer f.Close()
	if offset > 0 {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			return unreadable(err)
		}
	}
	var from io.Reader = stopping{ctx, f}
	if size >= 0 {
		from = io.LimitReader(from, size)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{to}, from, make([]byte, 256<<10)); err != nil {
		return fault.Conflictf("%w", err)
	}
	return nil
}

// stopping reads until ctx is done.
type stopping struct {
	ctx context.Context
	io.Reader
}

func (r stopping) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}

func dmesg(_ context.Context, s *shell, _ []string) error {
	b, err := s.house.ground.Dmesg()
	if err != nil {
		return fault.Conflictf("%w", err)
	}
	_, err = s.out.Write(b)
	return err
}

func facts(_ context.Context, s *shell, _ []string) error {
	b, err := json.MarshalIndent(s.house.ground.Facts(), "", "  ")
	if err != nil {
		return fault.Internalf("%w", err)
	}
	s.say("%s", b)
	return nil
}

func finish(_ context.Context, s *shell, _ []string) error {
	s.say("The rescue ends; the machine restarts from its disk.")
	s.house.Finish()
	return errLeave
}

func leave(ctx context.Context, s *shell, args []string) error {
	if len(args) == 0 {
		return errLeave
	}
	if args[0] != "--done" {
		return fault.Invalidf("usage: exit [--done]")
	}
	return finish(ctx, s, nil)
}
