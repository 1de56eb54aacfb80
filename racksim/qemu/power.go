package qemu

import (
	"context"

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

// Fault is why the machine is off although nobody switched it off.
func (m *Machine) Fault() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault
}

func (m *Machine) set(power racksim.PowerState, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = err
	if m.power != power {
		m.power = power
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

// PowerOn starts the machine; nothing happens when it is on.
func (m *Machine) PowerOn(ctx context.Context) error {
	m.verbs.Lock()
	defer m.verbs.Unlock()
	if !m.running {
		return fault.Conflictf("machine %s is not racked yet", m.Machine.Name)
	}
	if m.proc != nil {
		return nil
	}
	m.set(racksim.PoweringOn, nil)
	return m.orFail(m.begin(ctx))
}

// orFail records a failed start and hands the error on.
func (m *Machine) orFail(err error) error {
	if err != nil {
		m.fail(err)
	}
	return err
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
	m.verbs.Lock()
	defer m.verbs.Unlock()
	if m.proc == nil {
		return m.off()
	}
	proc := m.proc
	m.proc = nil
	proc.kill()
	return m.orFail(m.begin(ctx))
}

// PressPower sends the ACPI power button event.
func (m *Machine) PressPower(ctx context.Context) error {
	return m.command(ctx, "system_powerdown", nil)
}

// Interrupt sends a non-maskable interrupt.
func (m *Machine) Interrupt(ctx context.Context) error { return m.command(ctx, "inject-nmi", nil) }

// Insert changes the ISO in the virtual CD drive, now and for later starts.
func (m *Machine) Insert(ctx context.Context, path string) error {
	m.verbs.Lock()
	defer m.verbs.Unlock()
	m.image = path
	if m.proc == nil {
		return nil
	}
	if path == "" {
		return m.proc.qmp.run(ctx, "eject", map[string]any{"id": cdID, "force": true})
	}
	return m.proc.qmp.run(ctx, "blockdev-change-medium", map[string]any{
		"id": cdID, "filename": path, "format": "raw", "force": true, "read-only-mode": "read-only",
	})
}

func (m *Machine) command(ctx context.Context, name string, arguments map[string]any) error {
	m.verbs.Lock()
	defer m.verbs.Unlock()
	if m.proc == nil {
		return m.off()
	}
	return m.proc.qmp.run(ctx, name, arguments)
}

func (m *Machine) off() error {
	return fault.Conflictf("machine %s is off", m.Machine.Name).WithHint("power it on first")
}
