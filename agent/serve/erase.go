package serve

import (
	"rackwright/agent/wire"
	"rackwright/deploy"
)

// eraseOrder is what an erase asks of the agent; which disks, the permit says.
func eraseOrder(op *deploy.Operation) *wire.EraseOrder {
	o := &wire.EraseOrder{Samples: deploy.EraseSamples}
	if op.Order.Erase != nil {
		o.Methods = op.Order.Erase.Methods
	}
	return o
}
