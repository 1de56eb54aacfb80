package trace

import (
	"slices"
	"time"

	"rackwright/inventory"
)

func (p *pool) open(cells int) {
	cells = max(cells, 2*cellsOf(MaxBytes))
	p.bytes, p.next, p.heads = make([]byte, cells*cellBytes), make([]int32, cells), make([]head, cells)
	for i := range p.next {
		p.next[i] = int32(i + 1)
	}
	p.next[cells-1] = none
	p.left, p.mine = cells, map[inventory.MAC]*trail{}
	p.old.before, p.old.after = &p.old, &p.old
}

func cellsOf(n int) int { return max(1, (n+cellBytes-1)/cellBytes) }

// keep adds a packet to its MAC's, the newest trail. The MAC's own oldest goes when it has
// enough, the oldest MAC's when there is no room.
func (p *pool) keep(t *trail, h head, message []byte) {
	if t.n == MaxPackets {
		p.drop(t)
	}
	h.later, h.shape = none, shapeOf(message)
	for p.left < cellsOf(h.shape.written()) {
		oldest := p.old.after
		p.drop(oldest)
		if oldest.n == 0 && oldest != t {
			p.forget(oldest)
		}
	}
	at := p.write(h.shape.parts(message))
	p.heads[at] = h
	if t.n++; t.n == 1 {
		t.first = at
	} else {
		p.heads[t.last].later = at
	}
	t.last = at
}

// trail finds or begins a MAC's trail and makes it the newest.
func (p *pool) trail(mac inventory.MAC) *trail {
	t := p.mine[mac]
	switch {
	case t != nil:
		t.before.after, t.after.before = t.after, t.before
	case len(p.spare) > 0:
		t = p.spare[len(p.spare)-1]
		p.spare = p.spare[:len(p.spare)-1]
	default:
		t = new(trail)
	}
	*t = trail{mac: mac, first: t.first, last: t.last, n: t.n, before: p.old.before, after: &p.old}
	p.old.before.after, p.old.before = t, t
	p.mine[mac] = t
	return t
}

func (p *pool) forget(t *trail) {
	t.before.after, t.after.before = t.after, t.before
	delete(p.mine, t.mac)
	p.spare = append(p.spare, t)
}

// drop gives the cells of a trail's oldest packet back.
func (p *pool) drop(t *trail) {
	if t.n == 0 {
		return
	}
	at := t.first
	t.first, t.n = p.heads[at].later, t.n-1
	for range cellsOf(p.heads[at].shape.written()) {
		at, p.next[at], p.free = p.next[at], p.free, at
		p.left++
	}
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
	p.next[last] = none
	return first
}

// cell takes the first free one.
func (p *pool) cell() (int32, []byte) {
	at := p.free
	p.free = p.next[at]
	p.left--
	return at, p.bytes[int(at)*cellBytes:][:cellBytes]
}

// read is write's other direction: the message that begins in a cell.
func (p *pool) read(at int32) []byte {
	h := &p.heads[at]
	m := make([]byte, h.length())
	from := p.bytes[int(at)*cellBytes:][:cellBytes]
	for _, part := range h.shape.parts(m) {
		for len(part) > 0 {
			if len(from) == 0 {
				at = p.next[at]
				from = p.bytes[int(at)*cellBytes:][:cellBytes]
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
	for t := p.old.after; t != &p.old; t = t.after {
		out = append(out, t.mac)
	}
	return out
}

func (p *pool) of(mac inventory.MAC) (out []Packet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.mine[mac]
	if t == nil {
		return nil
	}
	at := t.first
	for range t.n {
		h := &p.heads[at]
		q := Packet{At: time.Unix(0, h.at).UTC(), MAC: mac, Sent: h.sent, From: h.from.addrPort(), To: h.to.addrPort(), Whole: int(h.whole), Message: p.read(at)}
		if h.six {
			q.endsSix()
		}
		out, at = append(out, q), h.later
	}
	return slices.Clip(out)
}
