package api

import (
	"context"
	"net/http"
	"time"

	"rackwright/api/wire"
	"rackwright/bmc/console"
	"rackwright/fault"
	"rackwright/inventory"
)

// Consoles reads the serial consoles of machines.
type Consoles interface {
	// Attend has a console read for so long from now on at least.
	Attend(machineID string, long time.Duration)
	// Look returns what it said after a place, 0 for all that is kept.
	Look(machineID string, after int64) console.Look
	// Trust forgets the host key that the console showed first.
	Trust(ctx context.Context, machineID string) error
}

// attention is for how long a console is read after somebody looked.
const attention = time.Minute

type consoleIn struct {
	MachineIn
	After int64 `query:"after" minimum:"0" doc:"Only whole lines behind this place; 0 is all that is kept"`
}

// consoles registers what machines say.
func (s *server) consoles() {
	read := op("GET", "/machines/{machine}/console", "get-console", "What the machine said last on its serial console; asking has it read for a minute")
	read.Tags = []string{"machines"}
	route(s, read, s.readConsole)
	trust := op("DELETE", "/machines/{machine}/console/key", "forget-console-key", "Trust the next host key that the BMC's console shows")
	trust.Tags, trust.DefaultStatus = []string{"machines"}, http.StatusNoContent
	route(s, trust, func(ctx context.Context, in *MachineIn) (*struct{}, error) {
		m, err := s.withConsole(ctx, in.Machine)
		if err != nil {
			return nil, err
		}
		return nil, s.Consoles.Trust(ctx, m.ID)
	})
}

func (s *server) withConsole(ctx context.Context, machine string) (*inventory.Machine, error) {
	if s.Consoles == nil {
		return nil, fault.Conflictf("this server does not read consoles").WithHint("ask one with [worker] enabled")
	}
	m, err := s.Store.Machine(ctx, machine)
	if err == nil && m.BMC == nil {
		err = noBMC(m)
	}
	return m, err
}

func (s *server) readConsole(ctx context.Context, in *consoleIn) (*body[wire.ConsoleText], error) {
	m, err := s.withConsole(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	s.Consoles.Attend(m.ID, attention)
	look := s.Consoles.Look(m.ID, in.After)
	out := wire.ConsoleText{Open: look.Open}
	out.Text, out.Next = look.Lines(in.After == 0)
	if look.Err != nil {
		out.Reason, out.Hint = look.Err.Error(), fault.HintOf(look.Err)
	}
	return bodyOf(out, nil)
}
