package redfish

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

// memoryFile is what of the BMC outlives racksim, in the machine's folder.
const memoryFile = "bmc.json"

// maxMemory bounds the file, bytes.
const maxMemory = 4 << 20

// kept is the BMC's memory. Passwords and keys have files of their own.
type kept struct {
	Versions   map[string]string `json:"versions,omitempty"`   // what updates installed
	Waiting    map[string]string `json:"waiting,omitempty"`    // installed, until the reset that starts them
	Attributes map[string]any    `json:"attributes,omitempty"` // changed BIOS attributes in force
	Pending    map[string]any    `json:"pending,omitempty"`    // and those of the next reset
	Secure     secure            `json:"secure_boot,omitzero"`
	Trust      authorities       `json:"trust,omitzero"`
	Placement  map[string]any    `json:"placement,omitempty"`
	Postal     map[string]any    `json:"postal,omitempty"`
	Renewed    bool              `json:"renewed,omitempty"` // the expired password was changed
}

// memory keeps it. Safe for concurrent use.
type memory struct {
	path string // empty: only until racksim ends
	log  *slog.Logger
	mu   sync.Mutex
	kept kept
}

// openMemory reads the folder's file. One that cannot be read is a BMC with factory settings.
func openMemory(dir string, log *slog.Logger) *memory {
	m := &memory{log: log}
	if dir != "" {
		m.path = filepath.Join(dir, memoryFile)
		if err := m.load(); err != nil {
			log.Warn("BMC starts with factory settings", "file", m.path, "error", err)
		}
	}
	k := &m.kept
	for _, values := range []*map[string]string{&k.Versions, &k.Waiting} {
		if *values == nil {
			*values = map[string]string{}
		}
	}
	for _, values := range []*map[string]any{&k.Attributes, &k.Pending, &k.Placement, &k.Postal} {
		if *values == nil {
			*values = map[string]any{}
		}
	}
	return m
}

func (m *memory) load() error {
	info, err := os.Stat(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > maxMemory {
		return errors.New("it is too large")
	}
	text, err := os.ReadFile(m.path)
	if err != nil {
		return err
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return err
	}
	m.kept = k
	return nil
}

// look reads; f keeps no map.
func (m *memory) look(f func(*kept)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.kept)
}

// change changes and saves. A full disk is logged: a BMC forgets then, too.
func (m *memory) change(f func(*kept)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.kept)
	if m.path == "" {
		return
	}
	text, err := json.MarshalIndent(m.kept, "", "  ")
	if err == nil {
		if err = os.WriteFile(m.path+".new", text, 0o600); err == nil {
			err = os.Rename(m.path+".new", m.path)
		}
	}
	if err != nil {
		m.log.Warn("BMC cannot save its settings", "file", m.path, "error", err)
	}
}
