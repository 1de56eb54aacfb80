package wire

// Keep asks to keep a machine in maintenance.
type Keep struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000"`
	For    string `json:"for,omitempty" maxLength:"16" doc:"How long, e.g. 90m or 24h; default 4h, at most 720h"`
}
