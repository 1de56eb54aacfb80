package disk

import (
	"slices"
	"strings"
)

// seedName is the name of the partition for a seed labelled so.
func seedName(label string) string { return strings.ToLower(label) }

// seedNames are the names that seeds' partitions ever had.
func seedNames() []string { return []string{"cidata", "config-2"} }

// basicData is the partition type EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, what a FAT
// file system for any reader has.
func basicData() [16]byte {
	return [16]byte{0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7}
}

// grow fits the table to a disk of so many blocks: the seed's partition, if it has a label,
// before our mark at the end, aligned to 1 MiB, and the last of the others extended up to
// it. A seed partition that is already there is replaced. It returns the first block behind
// the others.
func (t *table) grow(blocks uint64, block int, label string) (uint64, error) {
	size, room := int64(blocks)*int64(block), uint64(0)
	if label != "" {
		room = seedBlocks
	}
	overhead := t.entryBlocks(block) + 1
	if size < 4*mark || uint64(markAt(size))/uint64(block) < room+t.firstUsable {
		return 0, tooSmall(size, int64(room+t.firstUsable)*int64(block)+4*mark)
	}
	end := uint64(markAt(size)) / uint64(block)
	if 2+t.entryBlocks(block) > t.firstUsable || blocks-overhead < end+mark/uint64(block) {
		return 0, layoutProblem("the image's GPT leaves no room for its entries before block %d", t.firstUsable)
	}
	t.lastUsable = blocks - overhead - 1
	t.dropSeed(seedName(label))
	last, free, err := t.survey()
	if err != nil {
		return 0, err
	}
	if last.last() >= end-room {
		return 0, tooSmall(size, int64(last.last()+1)*int64(block)+Room(block))
	}
	last.setLast(end - room - 1)
	if label != "" {
		if free == nil {
			return 0, layoutProblem("the image's partition table is full")
		}
		t.place(free, end-room, seedName(label))
	}
	return end - room, nil
}

func (t *table) dropSeed(name string) {
	for i := range t.count() {
		e := t.entry(i)
		if e.used() && (slices.Contains(seedNames(), e.name()) || name != "" && e.name() == name) {
			clear(e)
		}
	}
}

// survey returns the partition that ends last and the first free entry, nil if all are taken.
func (t *table) survey() (last, free entry, err error) {
	for i := range t.count() {
		e := t.entry(i)
		switch {
		case !e.used():
			if free == nil {
				free = e
			}
		case e.first() < t.firstUsable || e.last() < e.first():
			return nil, nil, layoutProblem("partition %d of the image spans blocks %d to %d", i+1, e.first(), e.last())
		case last == nil || e.last() > last.last():
			last = e
		}
	}
	if last == nil {
		return nil, nil, layoutProblem("the image's partition table is empty")
	}
	return last, free, nil
}

// place makes e the seed's partition. Its GUID follows from the disk's, so that the
// same order leaves the same bytes.
func (t *table) place(e entry, first uint64, name string) {
	kind := basicData()
	copy(e, kind[:])
	id := guidOf(name + string(t.guid[:]))
	copy(e[16:32], id[:])
	e.setFirst(first)
	e.setLast(first + seedBlocks - 1)
	clear(e[48:56])
	e.setName(name)
}
