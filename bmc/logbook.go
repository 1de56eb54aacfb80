package bmc

import (
	"context"
	"time"
)

// Entry is a line of the BMC's event log.
type Entry struct {
	ID       string    `json:"id" doc:"Unique in its log until that is cleared"`
	Log      string    `json:"log,omitempty" doc:"Which log, e.g. SEL"`
	At       time.Time `json:"at,omitzero" doc:"By the BMC's clock"`
	Severity Health    `json:"severity,omitempty" enum:"ok,warning,critical"`
	Code     string    `json:"code,omitempty" doc:"Registry and message id, e.g. Base.1.8.Success"`
	Message  string    `json:"message"`
}

// Logbook is the BMC's event log.
type Logbook interface {
	// Log reads the newest entries, newest first, at most limit.
	Log(ctx context.Context, limit int) ([]Entry, error)
	// ClearLog empties it.
	ClearLog(ctx context.Context) error
}
