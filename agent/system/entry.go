package system

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"rackwright/fault"
)

// Entry is what a boot loader would start.
type Entry struct {
	Kernel  string   // below the file system's root
	Initrds []string // loaded one after the other
	Args    string
}

// Limits of what is read of a system's boot configuration.
const (
	maxConfig  = 1 << 20
	maxEntries = 64
)

// Default finds what the system on one of the partitions boots by default: an entry of
// the Boot Loader Specification, else the first of GRUB's menu. It is NotFound when there
// is none that can be understood without running the boot loader.
func Default(list []Partition, mount Mounter) (Partition, Entry, error) {
	var found Entry
	for _, p := range list {
		if p.Kind == "" {
			continue
		}
		err := mount(p, false, func(root *os.Root) (err error) {
			found, err = find(root)
			return err
		})
		if err == nil {
			return p, found, nil
		}
		if !fault.Is(err, fault.NotFound) {
			return p, Entry{}, err
		}
	}
	return Partition{}, Entry{}, noEntry()
}

func noEntry() error {
	return fault.NotFoundf("the system has no boot entry that can be read: neither loader/entries nor grub.cfg names a kernel in plain words").
		WithHint("deploy without --kexec: the machine then boots through its firmware")
}

func find(root *os.Root) (Entry, error) {
	for _, dir := range []string{"loader/entries", "boot/loader/entries"} {
		if e, err := specified(root, dir); err == nil {
			return e, nil
		}
	}
	for _, name := range []string{"boot/grub/grub.cfg", "grub/grub.cfg", "boot/grub2/grub.cfg", "grub2/grub.cfg"} {
		text, err := read(root, name)
		if err != nil {
			continue
		}
		if e, ok := parseGRUB(text); ok && whole(root, e) {
			return e, nil
		}
	}
	return Entry{}, noEntry()
}

// specified takes the newest entry by its file name: distributions put the version in it.
func specified(root *os.Root, dir string) (Entry, error) {
	names, err := fs.Glob(root.FS(), dir+"/*.conf")
	if err != nil || len(names) == 0 || len(names) > maxEntries {
		return Entry{}, noEntry()
	}
	slices.SortFunc(names, byVersion)
	for _, name := range slices.Backward(names) {
		text, err := read(root, name)
		if err != nil {
			continue
		}
		if e, ok := parseSpecified(text); ok && whole(root, e) {
			return e, nil
		}
	}
	return Entry{}, noEntry()
}

// byVersion compares names, runs of digits in them by their value.
func byVersion(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if c := cmp.Compare(a[0], b[0]); c != 0 {
			return c
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

// parseSpecified reads a type #1 entry (UAPI Group, Boot Loader Specification).
func parseSpecified(text string) (e Entry, ok bool) {
	for line := range lines(text) {
		key, value, _ := strings.Cut(line, " ")
		value = strings.TrimSpace(value)
		switch key {
		case "linux":
			e.Kernel = value
		case "initrd":
			e.Initrds = append(e.Initrds, value)
		case "options":
			e.Args = strings.TrimSpace(e.Args + " " + value)
		}
	}
	return e.clean()
}

// parseGRUB reads the first menu entry that names a kernel. What GRUB computes (words
// with $) cannot be known here: such an entry is passed over.
func parseGRUB(text string) (e Entry, ok bool) {
	for line := range lines(text) {
		words := strings.Fields(line)
		switch {
		case words[0] == "menuentry":
			if e, ok := e.clean(); ok {
				return e, true
			}
			e = Entry{}
		case len(words) < 2:
		case words[0] == "linux" || words[0] == "linuxefi" || words[0] == "linux16":
			e = Entry{Kernel: words[1], Args: strings.Join(words[2:], " ")}
		case words[0] == "initrd" || words[0] == "initrdefi" || words[0] == "initrd16":
			e.Initrds = words[1:]
		}
	}
	return e.clean()
}

// lines are the lines of a configuration that are neither empty nor comments.
func lines(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		scan := bufio.NewScanner(strings.NewReader(text))
		scan.Buffer(nil, maxConfig)
		for scan.Scan() {
			line := strings.TrimSpace(strings.ReplaceAll(scan.Text(), "\t", " "))
			if line != "" && !strings.HasPrefix(line, "#") && !yield(line) {
				return
			}
		}
	}
}

// clean makes the paths relative and refuses what is not in plain words.
func (e Entry) clean() (Entry, bool) {
	if path.Clean("/"+e.Kernel) == "/" || len(e.Initrds) > 8 || strings.Contains(e.Kernel+e.Args+strings.Join(e.Initrds, ""), "$") {
		return Entry{}, false
	}
	e.Kernel = path.Clean("/" + e.Kernel)[1:]
	e.Initrds = slices.Clone(e.Initrds)
	for i := range e.Initrds {
		e.Initrds[i] = path.Clean("/" + e.Initrds[i])[1:]
	}
	return e, true
}

// whole reports whether the files of an entry are there.
func whole(root *os.Root, e Entry) bool {
	for _, name := range append([]string{e.Kernel}, e.Initrds...) {
		if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

func read(root *os.Root, name string) (string, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0) // of a pipe, too, the end comes at once
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if len(b) > maxConfig {
		err = errors.Join(err, fault.Invalidf("%s is larger than %d bytes", name, maxConfig))
	}
	return string(b), err
}
