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

// keep adds a packet to its MAC's. The MAC's own oldest goes when it has enough, the oldest
// MAC's when there is no room.
func (p *pool) keep(mac inventory.MAC, h head, message []byte) {
	t := p.trail(mac)
	if t.n == MaxPackets {
		p.drop(t)
	}
	for p.left < cellsOf(len(message)) {
		oldest := p.old.after
		p.drop(oldest)
		if oldest.n == 0 && oldest != t {
			p.forget(oldest)
		}
	}
	h.kept, h.later = int32(len(message)), none
	at := p.write(message)
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
	for range cellsOf(int(p.heads[at].kept)) {
		at, p.next[at], p.free = p.next[at], p.free, at
		p.left++
	}
}

// write copies a message into free cells and returns the first.
func (p *pool) write(message []byte) int32 {
	first, last := p.free, none
	for i := 0; i == 0 || i < len(message); i += cellBytes {
		last, p.free = p.free, p.next[p.free]
		copy(p.bytes[int(last)*cellBytes:], message[i:min(len(message), i+cellBytes)])
		p.left--
	}
	p.next[last] = none
	return first
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
		q := Packet{At: time.Unix(0, h.at).UTC(), MAC: mac, Sent: h.sent, From: h.from, To: h.to, Whole: int(h.whole)}
		for cell := at; len(q.Message) < int(h.kept); cell = p.next[cell] {
			q.Message = append(q.Message, p.bytes[int(cell)*cellBytes:][:min(cellBytes, int(h.kept)-len(q.Message))]...)
		}
		out, at = append(out, q), h.later
	}
	return slices.Clip(out)
}
