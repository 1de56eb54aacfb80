// Package macs keeps values by MAC for those who look one up for every packet. Of a hall's MACs
// the next is in no cache of the processor, so what a look-up costs is the lines of memory that
// it touches: here two, and none of them is the garbage collector's to look through as long as
// the values have no pointers.
package macs

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"rackwright/inventory"
)

// None is no place.
const None = int32(-1)

// Table is values by MAC, each at a place that is its own until it is removed. Its zero value is
// empty. Who chooses MACs cannot choose such as are slow to find: the hash is another in each.
type Table[V any] struct {
	chains []int32 // the first place of those of one hash
	all    []entry[V]
	free   int32
	n      int

	secret [2]uint64 // of the hash
}

type entry[V any] struct {
	mac   uint64
	next  int32 // of the chain, or of the free places
	value V
}

// Len is how many there are.
func (t *Table[V]) Len() int { return t.n }

// At is the value at a place. It may move when another is added.
func (t *Table[V]) At(at int32) *V { return &t.all[at].value }

// MAC is the one at a place.
func (t *Table[V]) MAC(at int32) (mac inventory.MAC) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], t.all[at].mac)
	return inventory.MAC(b[2:])
}

// Find is the place of a MAC, None if it has none.
func (t *Table[V]) Find(mac inventory.MAC) int32 {
	if t.n == 0 {
		return None
	}
	key := keyOf(mac)
	at := *t.chain(key)
	for at != None && t.all[at].mac != key {
		at = t.all[at].next
	}
	return at
}

// Add gives a place to a MAC that has none. The value there is V's zero.
func (t *Table[V]) Add(mac inventory.MAC) int32 {
	if t.n == len(t.chains) {
		t.grow()
	}
	key, at := keyOf(mac), t.free
	if at == None {
		at = int32(len(t.all))
		t.all = append(t.all, entry[V]{})
	} else {
		t.free = t.all[at].next
	}
	first := t.chain(key)
	t.all[at] = entry[V]{mac: key, next: *first}
	*first = at
	t.n++
	return at
}

// Remove makes a place free.
func (t *Table[V]) Remove(at int32) {
	link := t.chain(t.all[at].mac)
	for *link != at {
		link = &t.all[*link].next
	}
	*link = t.all[at].next
	t.all[at] = entry[V]{next: t.free}
	t.free = at
	t.n--
}

// grow doubles the chains. All places are taken.
func (t *Table[V]) grow() {
	const least = 64 // a power of two
	if t.chains == nil {
		t.secret, t.free = [2]uint64{rand.Uint64(), rand.Uint64() | 1}, None
	}
	t.chains = make([]int32, max(least, 2*len(t.chains)))
	for i := range t.chains {
		t.chains[i] = None
	}
	for i := range t.all {
		first := t.chain(t.all[i].mac)
		t.all[i].next, *first = *first, int32(i)
	}
}

// chain is where the chain of a MAC begins.
func (t *Table[V]) chain(key uint64) *int32 {
	high, low := bits.Mul64(key^t.secret[0], t.secret[1])
	return &t.chains[(high^low)&uint64(len(t.chains)-1)]
}

func keyOf(m inventory.MAC) uint64 {
	return uint64(binary.BigEndian.Uint16(m[:2]))<<32 | uint64(binary.BigEndian.Uint32(m[2:]))
}
