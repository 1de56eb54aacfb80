package efi

import (
	"encoding/binary"
	"slices"
	"strings"
)

// ours opens the description of every entry that this package made.
const ours = "rackwright "

// Keep makes the firmware boot a written disk: it adds an entry named for the image that
// loads file from the partition, or takes up the one that is there, and puts it into
// BootOrder after the network entries that come first, so that a machine which netboots
// by its order goes on doing so and is then sent on to this disk. BootNext names it for
// the next start. Entries of ours for partitions that are gone are removed. Doing it twice
// is doing it once. It returns the number of the entry. Errors are Unreachable.
func (v Variables) Keep(image string, p Partition, file string) (uint16, error) {
	options, err := v.options()
	if err != nil {
		return 0, err
	}
	order, err := v.order()
	if err != nil {
		return 0, err
	}
	want := Option{Attributes: active, Description: ours + image, Path: Loader(p, file)}
	entry, stale := place(options)
	if have, ok := options[entry]; !ok || string(have.Encode()) != string(want.Encode()) {
		if err := v.write(number(entry), want.Encode()); err != nil {
			return 0, err
		}
		options[entry] = want
	}
	if next := arrange(order, options, entry, stale); !slices.Equal(next, order) {
		if err := v.write("BootOrder", encodeOrder(next)); err != nil {
			return 0, err
		}
	}
	for _, n := range stale {
		if err := v.remove(number(n)); err != nil {
			return 0, err
		}
	}
	return entry, v.write("BootNext", encodeOrder([]uint16{entry}))
}

// place picks the number of the entry: that of one of ours, else the first free one, and
// lists others of ours. This disk was the machine's root disk before and is again: an
// older entry points nowhere.
func place(options map[uint16]Option) (entry uint16, stale []uint16) {
	found := false
	for n := range maxEntries {
		o, ok := options[uint16(n)]
		switch {
		case !ok || !strings.HasPrefix(o.Description, ours):
		case !found:
			entry, found = uint16(n), true
		default:
			stale = append(stale, uint16(n))
		}
	}
	for n := 0; !found && n < maxEntries; n++ {
		if _, taken := options[uint16(n)]; !taken {
			entry, found = uint16(n), true
		}
	}
	return entry, stale
}

// arrange puts entry behind the network entries that the order begins with, and leaves
// the rest as it is.
func arrange(order []uint16, options map[uint16]Option, entry uint16, stale []uint16) []uint16 {
	rest := slices.DeleteFunc(slices.Clone(order), func(n uint16) bool { return n == entry || slices.Contains(stale, n) })
	at := 0
	for at < len(rest) && options[rest[at]].network() {
		at++
	}
	return slices.Insert(rest, at, entry)
}

func encodeOrder(list []uint16) (b []byte) {
	for _, n := range list {
		b = binary.LittleEndian.AppendUint16(b, n)
	}
	return b
}
