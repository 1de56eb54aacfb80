package burn

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxAttribute bounds what is read of a file of the kernel.
const maxAttribute = 1 << 20

// text reads a file of the kernel, "" when there is none.
func text(root, name string) string {
	f, err := os.Open(filepath.Join(root, name))
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, maxAttribute)) // what came counts
	return strings.TrimSpace(string(b))
}

// number reads a whole number.
func number(root, name string) (int64, bool) {
	n, err := strconv.ParseInt(text(root, name), 10, 64)
	return n, err == nil
}

// matches lists the files of a pattern, by their path below root.
func matches(root, pattern string) []string {
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		return nil
	}
	for i := range found {
		if rel, err := filepath.Rel(root, found[i]); err == nil {
			found[i] = rel
		}
	}
	return found[:min(len(found), maxFiles)]
}

// maxFiles bounds how many files of a kind are looked at.
const maxFiles = 4096

// meminfo is how much memory may be had, and how much there is, bytes.
func meminfo(root string) (free, all int64) {
	for line := range strings.Lines(text(root, "proc/meminfo")) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(words[1], 10, 54)
		switch {
		case err != nil:
		case words[0] == "MemAvailable:":
			free = kib << 10
		case words[0] == "MemTotal:":
			all = kib << 10
		}
	}
	return free, all
}

// interrupts adds up a line of /proc/interrupts, e.g. MCE, over all processors.
func interrupts(list, name string) (sum int64) {
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != name+":" {
			continue
		}
		for _, w := range words[1:] {
			n, err := strconv.ParseInt(w, 10, 64)
			if err != nil {
				break
			}
			sum += n
		}
	}
	return sum
}

// total reads one line "NAME n" of an attribute with several, as PCIe's error counters
// have them (TOTAL_ERR_COR 3).
func total(list, name string) int64 {
	for line := range strings.Lines(list) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == name {
			n, _ := strconv.ParseInt(words[1], 10, 64) // 0: not told
			return n
		}
	}
	return 0
}
