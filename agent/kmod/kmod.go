// Package kmod loads the kernel modules that the devices of this machine ask for. It
// reads the ramdisk's modules.alias and modules.dep; it does not build them.
package kmod

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// Insert puts one module into the kernel; init_module(2) in the ramdisk.
type Insert func(file string) error

// Loader knows the ramdisk's modules and which are loaded.
type Loader struct {
	root    string // "/" or a tree made for a test
	dir     string // of the modules
	insert  Insert
	log     *slog.Logger
	aliases map[string][]alias  // by the bus: what stands before the first colon
	files   map[string]string   // name -> file below dir
	needs   map[string][]string // file -> files, to be loaded in this order
	done    map[string]bool     // files tried
	seen    map[string]bool     // modaliases looked up
}

type alias struct{ pattern, name string }

// Open reads the index of root/lib/modules/version. A ramdisk without modules has an
// empty index, not an error: its kernel has everything built in.
func Open(root, version string, insert Insert, log *slog.Logger) *Loader {
	l := &Loader{root: root, dir: filepath.Join(root, "lib/modules", version), insert: insert, log: log,
		aliases: map[string][]alias{}, files: map[string]string{}, needs: map[string][]string{}, done: map[string]bool{}, seen: map[string]bool{}}
	l.lines("modules.alias", l.addAlias)
	l.lines("modules.dep", l.addNeeds)
	return l
}

func (l *Loader) lines(name string, add func(string)) {
	f, err := os.Open(filepath.Join(l.dir, name))
	if err != nil {
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(io.LimitReader(f, 16<<20)); s.Scan(); {
		add(s.Text())
	}
}

// addAlias reads "alias PATTERN NAME".
func (l *Loader) addAlias(line string) {
	if f := strings.Fields(line); len(f) == 3 && f[0] == "alias" {
		l.aliases[bus(f[1])] = append(l.aliases[bus(f[1])], alias{f[1], f[2]})
	}
}

// bus is what stands before an alias's first colon. A pattern that may match several
// buses (acpi*:) stands under the letters before it.
func bus(alias string) string {
	before, _, _ := strings.Cut(alias, ":")
	if i := strings.IndexAny(before, "*?["); i >= 0 {
		return before[:i]
	}
	return before
}

// addNeeds reads "FILE: FILE FILE", where the last is loaded first.
func (l *Loader) addNeeds(line string) {
	file, needs, ok := strings.Cut(line, ":")
	if !ok {
		return
	}
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	l.files[strings.ReplaceAll(name, "-", "_")] = file
	l.needs[file] = strings.Fields(needs)
	slices.Reverse(l.needs[file])
}

// Load loads a module by name with what it needs. A name the ramdisk does not have is
// built in or not needed: nothing happens.
func (l *Loader) Load(name string) {
	file, ok := l.files[name]
	if !ok || l.done[file] {
		return
	}
	for _, f := range append(slices.Clone(l.needs[file]), file) {
		if l.done[f] {
			continue
		}
		l.done[f] = true
		err := l.insert(filepath.Join(l.dir, f))
		if err != nil && !errors.Is(err, unix.EEXIST) {
			l.log.Warn("module not loaded", "module", path.Base(f), "error", err)
			return
		}
		l.log.Debug("module loaded", "module", path.Base(f))
	}
}

// Scan loads what the devices present ask for and returns how many new requests it saw. A
// loaded bus driver may make further devices appear: scan again until it returns 0.
func (l *Loader) Scan() (fresh int) {
	found, _ := filepath.Glob(filepath.Join(l.root, "sys/bus/*/devices/*/modalias")) // the pattern is well-formed
	for _, file := range found {
		b, err := os.ReadFile(file)
		request := strings.TrimSpace(string(b))
		if err != nil || request == "" || l.seen[request] {
			continue
		}
		l.seen[request] = true
		fresh++
		for _, name := range l.match(request) {
			l.Load(name)
		}
	}
	return fresh
}

// match returns the modules whose alias fits a device's request.
func (l *Loader) match(request string) (names []string) {
	for _, a := range l.aliases[bus(request)] {
		if prefix := a.pattern[:literal(a.pattern)]; !strings.HasPrefix(request, prefix) {
			continue
		}
		if ok, err := path.Match(a.pattern, request); ok && err == nil && !slices.Contains(names, a.name) {
			names = append(names, a.name)
		}
	}
	return names
}

// literal is how much of a pattern stands for itself.
func literal(pattern string) int {
	if i := strings.IndexAny(pattern, "*?[\\"); i >= 0 {
		return i
	}
	return len(pattern)
}

// Ask loads what the kernel itself asks for: a module by name, or by an alias such as
// fs-ext4. It returns false if the ramdisk has none.
func (l *Loader) Ask(request string) bool {
	name := strings.ReplaceAll(request, "-", "_")
	if _, ok := l.files[name]; ok {
		l.Load(name)
		return true
	}
	names := l.match(request)
	for _, n := range names {
		l.Load(n)
	}
	return len(names) > 0
}

// Run scans until ctx is done: devices appear late, or are plugged in.
func (l *Loader) Run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		l.Scan()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// maxModule bounds an unpacked module.
const maxModule = 64 << 20

// InsertFile is the Insert of the real kernel. A module lies compressed in the ramdisk and
// is unpacked for as long as it takes to hand it over.
func InsertFile(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if path.Ext(file) == ".zst" {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxModule), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		defer dec.Close()
		if b, err = dec.DecodeAll(b, nil); err != nil {
			return err
		}
	}
	return unix.InitModule(b, "")
}
