package mockup

// What a test sees past the Redfish service.

// Power is the host's power state now (Redfish Resource.PowerState).
func (b *BMC) Power() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick()
	return textAt(b.get(b.host), "PowerState")
}

// Starts counts the host's starts.
func (b *BMC) Starts() int { b.mu.Lock(); defer b.mu.Unlock(); b.tick(); return b.starts }

// Booted is what the host started from, the last time.
func (b *BMC) Booted() Boot { b.mu.Lock(); defer b.mu.Unlock(); b.tick(); return b.booted }

// Sessions counts those that are open.
func (b *BMC) Sessions() int { b.mu.Lock(); defer b.mu.Unlock(); return len(b.sessions) }

// Restarts counts the restarts of the BMC itself.
func (b *BMC) Restarts() int { b.mu.Lock(); defer b.mu.Unlock(); b.tick(); return b.restarts }

// Uploaded is how many bytes of firmware were pushed.
func (b *BMC) Uploaded() int64 { b.mu.Lock(); defer b.mu.Unlock(); return b.uploaded }

// Lit reports whether the locator LED is on.
func (b *BMC) Lit() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, uri := range append([]string{b.host}, members(b.get(b.host), "Links", "Chassis")...) {
		r := b.get(uri)
		if r["LocationIndicatorActive"] == true || r["IndicatorLED"] != nil && textAt(r, "IndicatorLED") != "Off" {
			return true
		}
	}
	return false
}

// Resource is a copy of a resource as it is now; nil when there is none.
func (b *BMC) Resource(uri string) map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick()
	found := b.get(uri)
	if found == nil {
		return nil
	}
	return clone(found).(body)
}

// Host is the URI of the machine's system, Manager that of its BMC.
func (b *BMC) Host() string    { return b.host }
func (b *BMC) Manager() string { return b.manager }

// Image is the image in the virtual CD drive; "" when it is empty.
func (b *BMC) Image() string { b.mu.Lock(); defer b.mu.Unlock(); return b.image() }

// Knows reports whether the password opens an enabled account of that name.
func (b *BMC) Knows(name, password string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known(name, password) != ""
}

// SetPassword gives an account that has a password another one, expired or not, as somebody
// does at the BMC's own page.
func (b *BMC) SetPassword(name, password string, expired bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for uri := range b.users {
		if textAt(b.get(uri), "UserName") == name {
			b.users[uri] = secret{password, expired}
		}
	}
}

// EndSessions ends every session, as a restart does.
func (b *BMC) EndSessions() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.endSessions(func(session) bool { return true })
}
