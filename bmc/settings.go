package bmc

import "context"

// Settings are the BIOS attributes (DMTF AttributeRegistry), values as text.
type Settings struct {
	Now     map[string]string `json:"now" doc:"In force"`
	Pending map[string]string `json:"pending,omitempty" doc:"Staged: they take effect at the next reset; only those that differ"`
}

// Settler changes BIOS settings.
type Settler interface {
	// Settings reads them.
	Settings(ctx context.Context) (Settings, error)
	// StageSettings asks for values from the next reset on, and reads them back as pending
	// or in force. Unknown names and values of a wrong type are Invalid, all at once.
	StageSettings(ctx context.Context, values map[string]string) error
}
