package scripted

import (
	"errors"
	"net/netip"
	"sync"
)

// Addresses is where the addresses of machines can be made this host's own.
type Addresses interface {
	Add(netip.Addr) (remove func() error, err error)
}

// taken are the addresses that machines were given. A machine that is off keeps its own:
// nobody else is given it while the lease runs.
type taken struct {
	from Addresses // nil: none is taken

	mu   sync.Mutex
	back map[netip.Addr]func() error
}

func (t *taken) take(a netip.Addr) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.from == nil || t.back[a] != nil {
		return nil
	}
	remove, err := t.from.Add(a)
	if err != nil {
		return err
	}
	if t.back == nil {
		t.back = map[netip.Addr]func() error{}
	}
	t.back[a] = remove
	return nil
}

// giveBack takes all of them off again.
func (t *taken) giveBack() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all error
	for _, remove := range t.back {
		all = errors.Join(all, remove())
	}
	t.from, t.back = nil, nil
	return all
}
