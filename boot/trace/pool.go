package trace

import (
	"slices"
	"time"

	"rackwright/inventory"
)

func (p *pool) open(cells int) {
	cells = max(cells, 2*cellsOf(MaxBytes))
	p.cells = make([]cell, cells)
	for i := range p.cells {
		p.cells[i].next = int32(i + 1)
	}
	p.cells[cells-1].next = none
	p.left, p.oldest, p.newest = cells, none, none
}

func cellsOf(n int) int { return max(1, (n+cellBytes-1)/cellBytes) }

// keep adds a packet to the newest trail. Its own oldest goes when it has enough, the oldest
// trail's when there is no room.
func (p *pool) keep(trail int32, h head, message []byte) {
	if p.trails.At(trail).n == MaxPackets {
		p.drop(trail)
	}
	h.later, h.shape = none, shapeOf(message)
	for p.left < cellsOf(h.shape.written()) {
		oldest := p.oldest
		p.drop(oldest)
		if oldest != trail && p.trails.At(oldest).n == 0 {
			p.unlink(oldest)
			p.trails.Remove(oldest)
		}
	}
	at := p.write(h.shape.parts(message))
	p.cells[at].head = h
	t := p.trails.At(trail)
	if t.n++; t.n == 1 {
		t.first = at
	} else {
		p.cells[t.last].head.later = at
	}
	t.last = at
}

// trail finds or begins a MAC's trail and makes it the newest.
func (p *pool) trail(mac inventory.MAC) int32 {
	at := p.trails.Find(mac)
	switch {
	case at == none:
		at = p.trails.Add(mac)
	case at == p.newest:
		return at
	default:
		p.unlink(at)
	}
	t := p.trails.At(at)
	t.older, t.newer = p.newest, none
	*p.newerOf(p.newest) = at
	p.newest = at
	return at
}

// unlink takes a trail out of their order.
func (p *pool) unlink(trail int32) {
	t := p.trails.At(trail)
	*p.newerOf(t.older), *p.olderOf(t.newer) = t.newer, t.older
}

// newerOf is where it stands which trail is the next newer than one; than none it is the oldest.
func (p *pool) newerOf(trail int32) *int32 {
	if trail == none {
		return &p.oldest
	}
	return &p.trails.At(trail).newer
}

// olderOf is likewise where the next older stands.
func (p *pool) olderOf(trail int32) *int32 {
	if trail == none {
		return &p.newest
	}
	return &p.trails.At(trail).older
}

// drop gives the cells of a trail's oldest packet back.
func (p *pool) drop(trail int32) {
	t := p.trails.At(trail)
	if t.n == 0 {
		return
	}
	first := t.first
	h := &p.cells[first].head
	t.first, t.n = h.later, t.n-1
	n, last := cellsOf(h.shape.written()), first
	for range n - 1 {
		last = p.cells[last].next
	}
	p.cells[last].next, p.free = p.free, first
	p.left += n
}

// write copies the parts of a message into free cells and returns the first.
func (p *pool) write(parts [3][]byte) int32 {
	first := p.free
	last, room := p.cell()
	for _, part := range parts {
		for len(part) > 0 {
			if len(room) == 0 {
				last, room = p.cell()
			}
			n := copy(room, part)
			part, room = part[n:], room[n:]
		}
	}
	p.cells[last].next = none
	return first
}

// cell takes the first free one.
func (p *pool) cell() (int32, []byte) {
	at := p.free
	c := &p.cells[at]
	p.free = c.next
	p.left--
	return at, c.bytes[:]
}

// read is write's other direction: the message that begins in a cell.
func (p *pool) read(at int32) []byte {
	h := &p.cells[at].head
	m := make([]byte, h.length())
	from := p.cells[at].bytes[:]
	for _, part := range h.shape.parts(m) {
		for len(part) > 0 {
			if len(from) == 0 {
				at = p.cells[at].next
				from = p.cells[at].bytes[:]
			}
			n := copy(part, from)
			part, from = part[n:], from[n:]
		}
	}
	return m
}

func (p *pool) macs() (out []inventory.MAC) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := p.oldest; at != none; at = p.trails.At(at).newer {
		out = append(out, p.trails.MAC(at))
	}
	return out
}

func (p *pool) of(mac inventory.MAC) (out []Packet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	trail := p.trails.Find(mac)
	if trail == none {
		return nil
	}
	t := p.trails.At(trail)
	at := t.first
	for range t.n {
		h := &p.cells[at].head
		q := Packet{At: time.Unix(0, h.at).UTC(), MAC: mac, Sent: h.sent, From: h.from.addrPort(), To: h.to.addrPort(), Whole: int(h.whole), Message: p.read(at)}
		if h.six {
			q.endsSix()
		}
		out, at = append(out, q), h.later
	}
	return slices.Clip(out)
}
