package disk

// Partition is an entry of a disk's partition table.
type Partition struct {
	Number        uint32 // from 1
	First, Blocks uint64 // in logical blocks
	GUID          [16]byte
}

// FindESP returns the EFI system partition of a written disk, the first if there are
// several; false if there is none. Errors are Problems.
func FindESP(m Medium) (Partition, bool, error) {
	t, err := readTable(m)
	if err != nil {
		return Partition{}, false, err
	}
	kind := ESP()
	for i := range t.count() {
		if e := t.entry(i); string(e[:16]) == string(kind[:]) && e.last() >= e.first() {
			return Partition{uint32(i + 1), e.first(), e.last() - e.first() + 1, [16]byte(e[16:32])}, true, nil
		}
	}
	return Partition{}, false, nil
}
