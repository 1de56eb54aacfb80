package mockup

import (
	"slices"
	"time"
)

// resetManager is Manager.Reset: the BMC is gone for a while and its sessions with it. The
// host goes on.
func (b *BMC) resetManager(c *call, a action) reply {
	kind := textAt(c.body, "ResetType")
	if allowed := b.allowed(a.body, "ResetType"); allowed != nil && !slices.Contains(allowed, kind) && !(kind == "" && len(allowed) == 1) {
		return notInList("ResetType", kind).reply()
	}
	if a.owner == b.manager {
		b.restartManager()
	}
	return none()
}

// restartManager begins after the answer is out.
func (b *BMC) restartManager() {
	b.in(b.cfg.Turn, b.manager, func() {
		b.goneTill = b.cfg.Now().Add(b.cfg.Restart)
		b.endSessions(func(session) bool { return true })
		for s := range b.streams {
			close(s)
			delete(b.streams, s)
		}
		m := b.edit(b.manager)
		if m["LastResetTime"] != nil {
			m["LastResetTime"] = b.clock().Format(time.RFC3339)
		}
		b.restarts++
		b.waking = b.habits.waking
	})
}

// gone reports whether the BMC is restarting.
func (b *BMC) gone() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick()
	return b.cfg.Now().Before(b.goneTill)
}
