package serve

import (
	"time"

	"rackwright/agent/wire"
	"rackwright/deploy"
)

// rescueOrder lets a person in for as long as is left of the step. It says how long and not
// until when: the agent's clock may be wrong.
func (s *Server) rescueOrder(op *deploy.Operation) *wire.RescueOrder {
	r := op.Order.Rescue
	if r == nil {
		return nil
	}
	left := op.Step().Started.Add(time.Duration(r.Seconds) * time.Second).Sub(s.Now())
	return &wire.RescueOrder{AuthorizedKeys: r.Keys, Seconds: max(1, int(left.Seconds())), Serial: r.Serial}
}
