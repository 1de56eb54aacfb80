package scripted

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rackwright/fault"
	"rackwright/racksim"
)

// Power is the state now.
func (m *Machine) Power() racksim.PowerState {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.power
}

// Changed is closed at the next change of Power.
func (m *Machine) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Fault is nil: a script does not break.
func (m *Machine) Fault() error { return nil }

func (m *Machine) set(power racksim.PowerState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listens = false
	if m.power != power {
		m.power = power
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

// PowerOn starts the machine; nothing happens when it is on.
func (m *Machine) PowerOn(context.Context) error {
	m.verbs.Lock()
	defer m.verbs.Unlock()
	if !m.running {
		return fault.Conflictf("machine %s is not racked yet", m.Machine.Name)
	}
	if m.Power() == racksim.On {
		return nil
	}
	m.stop() // a life that ended by itself
	ctx, cancel := context.WithCancel(context.Background())
	l := &life{cancel: cancel, done: make(chan struct{}), pressed: make(chan struct{}, 1)}
	m.life = l
	m.set(racksim.On)
	go func() {
		defer close(l.done)
		defer cancel()
		m.live(ctx, l)
	}()
	return nil
}

// stop ends the machine's life and waits for it. The caller holds verbs.
func (m *Machine) stop() {
	if m.life != nil {
		m.life.cancel()
		<-m.life.done
		m.life = nil
	}
	m.set(racksim.Off)
}

// ForceOff cuts the power and returns when the machine is off.
func (m *Machine) ForceOff(context.Context) error {
	m.verbs.Lock()
	defer m.verbs.Unlock()
	m.stop()
	return nil
}

// Restart resets a running machine: a new start of the firmware with the boot due now.
func (m *Machine) Restart(ctx context.Context) error {
	if m.Power() == racksim.Off {
		return m.off()
	}
	m.verbs.Lock()
	m.stop()
	m.verbs.Unlock()
	return m.PowerOn(ctx)
}

// PressPower presses the power button: a system that is up shuts down, firmware and
// loaders do not listen.
func (m *Machine) PressPower(context.Context) error {
	m.verbs.Lock()
	defer m.verbs.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.power == racksim.Off || m.life == nil {
		return m.off()
	}
	if m.listens {
		select {
		case m.life.pressed <- struct{}{}:
		default:
		}
	}
	return nil
}

// Interrupt does nothing: there is no processor to interrupt.
func (m *Machine) Interrupt(context.Context) error {
	if m.Power() == racksim.Off {
		return m.off()
	}
	return nil
}

// Insert takes a medium and never boots from it.
func (m *Machine) Insert(context.Context, string) error { return nil }

func (m *Machine) off() error {
	return fault.Conflictf("machine %s is off", m.Machine.Name).WithHint("power it on first")
}

// consoleLimit is the size at which a console log starts over, bytes.
const consoleLimit = 1 << 20

// say prints a line on the machine's console. The file is open only meanwhile: thousands
// of machines share one process.
func (m *Machine) say(format string, args ...any) {
	line := strings.Map(printable, fmt.Sprintf(format, args...))
	m.Logger.Debug("console", "machine", m.Machine.Name, "line", line)
	path := filepath.Join(m.Dir, "console.log")
	if info, err := os.Stat(path); err == nil && info.Size() > consoleLimit {
		_ = os.Rename(path, path+".1")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		m.Logger.Warn("console", "machine", m.Machine.Name, "error", err)
		return
	}
	defer f.Close()
	_, _ = fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), line)
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
