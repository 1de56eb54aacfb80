package agent

import (
	"context"
	"encoding/json"
	"net"
	"time"

	"rackwright/agent/rescue"
	"rackwright/agent/wire"
)

// visit is a rescue that is open: the order's id and the house.
type visit struct {
	order string
	house *rescue.House
}

// rescue opens the machine to a person and goes on asking for orders, so that it hears
// when the rescue is over. Asked again with the same id it looks whether the person has
// finished.
func (a *agent) rescue(ctx context.Context, o wire.Order) error {
	if a.guest != nil && a.guest.order == o.ID {
		a.finished(o)
		return nil
	}
	a.shut()
	var door json.RawMessage
	told := func(words string) { // of people who log in, which is after the door was told
		a.reporter.post(wire.Event{Order: o.ID, Stage: wire.Open, Result: door, Detail: words})
	}
	ready := make(chan struct{})
	house, err := rescue.Open(ctx, a.Rescue, *o.Rescue, func(words string) {
		<-ready
		told(words)
	})
	if err != nil {
		return a.fail(ctx, o, wire.ReasonRescue, err)
	}
	door, _ = json.Marshal(house.Door) // two texts
	close(ready)
	a.guest = &visit{o.ID, house}
	left := (time.Duration(o.Rescue.Seconds) * time.Second).Round(time.Second)
	if house.Door.HostKey != "" {
		host, port, _ := net.SplitHostPort(house.Door.Address) // it was joined from two
		a.Say("rescue for %s: ssh -p %s root@%s, host key %s", left, port, host, house.Door.HostKey)
	}
	told("a person can log in for " + left.String())
	return nil
}

// finished concludes the order once the person has said so.
func (a *agent) finished(o wire.Order) {
	select {
	case <-a.guest.house.Done():
		a.shut()
		a.conclude(wire.Event{Order: o.ID, Stage: wire.Completed, Detail: "the person has finished"})
	default:
	}
}

// shut sends people out of a rescue that is over.
func (a *agent) shut() {
	if a.guest != nil {
		a.guest.house.Close()
		a.guest = nil
	}
}
