// Package macs keeps values by MAC for those who look one up for every packet. Of a hall's MACs
// the next is in no cache of the processor, so what a look-up costs is the lines of memory that
// it touches: here two, the first of which MACs in a row share. It makes no garbage but when it
// grows, and little then.
package macs

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"rackwright/inventory"
)

// None is no place.
const None = int32(-1)

// page is how many entries are allocated at once.
const page = 256

// Table is values by MAC, each at a place that is its own until it is removed. Its zero value is
// empty. Who chooses MACs cannot choose such as are slow to find: the hash is another in each.
type Table[V any] struct {
	chains []int32 // the first place of those of one hash
	pages  [][]entry[V]
	used   int32 // places, those that are free again among them
	free   int32 // the first of these
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

// At is the value at a place.
func (t *Table[V]) At(at int32) *V { return &t.entry(at).value }

// MAC is the one at a place.
func (t *Table[V]) MAC(at int32) (mac inventory.MAC) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], t.entry(at).mac)
	return inventory.MAC(b[2:])
}

// Find is the place of a MAC, None if it has none.
func (t *Table[V]) Find(mac inventory.MAC) int32 {
	if t.n == 0 {
		return None
	}
	key := mac.Number()
	at := *t.chain(key)
	for at != None {
		e := t.entry(at)
		if e.mac == key {
			break
		}
		at = e.next
	}
	return at
}

// Add gives a place to a MAC that has none. The value there is V's zero.
func (t *Table[V]) Add(mac inventory.MAC) int32 {
	if t.n == len(t.chains) {
		t.grow()
	}
	key, at := mac.Number(), t.free
	if at == None {
		if at = t.used; at%page == 0 {
			t.pages = append(t.pages, make([]entry[V], page))
		}
		t.used++
	} else {
		t.free = t.entry(at).next
	}
	first := t.chain(key)
	*t.entry(at) = entry[V]{mac: key, next: *first}
	*first = at
	t.n++
	return at
}

// Remove makes a place free.
func (t *Table[V]) Remove(at int32) {
	e := t.entry(at)
	link := t.chain(e.mac)
	for *link != at {
		link = &t.entry(*link).next
	}
	*link = e.next
	*e = entry[V]{next: t.free}
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
	for at := range t.used {
		e := t.entry(at)
		first := t.chain(e.mac)
		e.next, *first = *first, at
	}
}

// chain is where the chain of a MAC begins. Those of sixteen MACs in a row, as the ports of a
// machine and the machines of a delivery have them, share a line of memory.
func (t *Table[V]) chain(key uint64) *int32 {
	const row = 16
	high, low := bits.Mul64(key/row^t.secret[0], t.secret[1])
	return &t.chains[((high^low)*row+key%row)&uint64(len(t.chains)-1)]
}

func (t *Table[V]) entry(at int32) *entry[V] { return &t.pages[at/page][at%page] }
