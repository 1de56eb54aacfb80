package redfish

import (
	"slices"
	"strings"
	"sync"
)

// hidden are the passwords that must not be seen in anything a BMC says: ours, and those
// that are being set. They stay for as long as the Controller: an event log may repeat one
// later.
type hidden struct {
	mu  sync.Mutex
	all []string
}

func (h *hidden) hide(secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if secret == "" || slices.Contains(h.all, secret) {
		return
	}
	h.all = append(h.all, secret)
	slices.SortFunc(h.all, func(a, b string) int { return len(b) - len(a) }) // one may contain another
}

// scrub takes our secrets out of what a BMC echoes. Only passwords can come back: a token
// stands in no body.
func (h *hidden) scrub(s string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range h.all {
		s = strings.ReplaceAll(s, secret, "(hidden)")
	}
	return s
}
