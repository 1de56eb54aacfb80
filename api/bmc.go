package api

import (
	"context"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rackwright/api/wire"
	"rackwright/bmc"
	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/inventory"
)

// bmcPatience is how long a person waits for a BMC's answer.
const bmcPatience = time.Minute

// bmcs registers what a machine's BMC says when it is asked now, and the changes at it.
func (s *server) bmcs() {
	live(s, "sensors", "Sensors and health, read now", bmc.Controller.Readings)
	live(s, "settings", "BIOS settings in force and pending, read now", bmc.Controller.Settings)
	live(s, "boot", "Boot override, boot order and Secure Boot, read now", booting)
	live(s, "clock", "The BMC's time and time servers, read now", bmc.Controller.Clock)
	live(s, "console", "How the serial console is reached", bmc.Controller.Console)
	live(s, "media", "Virtual drives, read now", items(bmc.Controller.Media))
	live(s, "accounts", "Users of the BMC, read now", items(bmc.Controller.Accounts))
	live(s, "protocols", "Services the BMC offers on the network, read now", items(bmc.Controller.Protocols))
	live(s, "firmware", "Firmware the BMC lists, read now", items(bmc.Controller.Components))
	live(s, "subscriptions", "Where the BMC sends its events, read now", items(subscriptions))
	route(s, bmcOp("log", "The newest entries of the BMC's event log, newest first"), func(ctx context.Context, in *struct {
		MachineIn
		Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}) (*body[wire.List[bmc.Entry]], error) {
		return listOf(ask(ctx, s, in.Machine, func(c bmc.Controller, ctx context.Context) ([]bmc.Entry, error) { return c.Log(ctx, in.Limit) }))
	})
	verb(s, "bmc", "Change one thing at the machine's BMC: boot, media, settings, clock, log", s.toManage, func(in *wire.Manage) bool { return in.DryRun })
}

func (s *server) toManage(ctx context.Context, machine string, in *wire.Manage, _ bool) (task, error) {
	m, err := s.Store.Machine(ctx, machine)
	if err != nil {
		return task{}, err
	}
	order := in.BMCOrder
	if order.Do == deploy.BMCClock && len(order.Servers) == 0 {
		order.Servers, err = s.timeServers(ctx, m)
	}
	return task{kind: deploy.Manage, machine: m, order: deploy.Order{BMC: &order}}, err
}

func bmcOp(what, summary string) huma.Operation {
	o := op("GET", "/machines/{machine}/bmc/"+what, "get-bmc-"+what, summary)
	o.Tags = []string{"bmc"}
	return o
}

// reading is one question to a BMC; the methods of bmc.Controller are such.
type reading[T any] func(bmc.Controller, context.Context) (T, error)

// live registers a route that asks the machine's BMC.
func live[T any](s *server, what, summary string, read reading[T]) {
	route(s, bmcOp(what, summary), func(ctx context.Context, in *MachineIn) (*body[T], error) {
		return bodyOf(ask(ctx, s, in.Machine, read))
	})
}

// ask asks a machine's BMC for a person who waits.
func ask[T any](ctx context.Context, s *server, machine string, read reading[T]) (T, error) {
	var none T
	if s.BMC == nil {
		return none, fault.Conflictf("this server does not speak to BMCs").WithHint("ask one with [worker] enabled")
	}
	m, err := s.Store.Machine(ctx, machine)
	if err != nil {
		return none, err
	}
	if m.BMC == nil {
		return none, noBMC(m)
	}
	ctx, cancel := context.WithTimeout(bmc.WithUrgency(ctx, bmc.Human), bmcPatience)
	defer cancel()
	hand, err := s.BMC.Hand(ctx, m.ID)
	if err != nil {
		return none, err
	}
	defer hand.Close(context.WithoutCancel(ctx))
	return read(hand, ctx)
}

func noBMC(m *inventory.Machine) error {
	return fault.Conflictf("%s has no BMC", m.Name).WithHint("give it a bmc in the plan")
}

// items makes a page of a list.
func items[T any](read reading[[]T]) reading[wire.List[T]] {
	return func(c bmc.Controller, ctx context.Context) (wire.List[T], error) {
		list, err := read(c, ctx)
		if list == nil {
			list = []T{}
		}
		return wire.List[T]{Items: list}, err
	}
}

// subscriptions leaves the paths of destinations out: who knows one can send events.
func subscriptions(c bmc.Controller, ctx context.Context) ([]bmc.Subscription, error) {
	list, err := c.Subscriptions(ctx)
	for i := range list {
		u, err := url.Parse(list[i].Destination)
		if err != nil {
			u = &url.URL{}
		}
		list[i].Destination = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	}
	return list, err
}

// booting reads all about what the machine starts. What the BMC has not is left out.
func booting(c bmc.Controller, ctx context.Context) (wire.Booting, error) {
	var out wire.Booting
	var err error
	if out.Next, err = c.NextBoot(ctx); err != nil {
		return out, err
	}
	if out.Order, err = c.BootOrder(ctx); err != nil && !fault.Is(err, fault.Invalid) {
		return out, err
	}
	sec, err := c.SecureBoot(ctx)
	if err == nil {
		out.SecureBoot = &sec
	} else if !fault.Is(err, fault.Invalid) {
		return out, err
	}
	return out, nil
}

// timeServers are those of the network that the machine's BMC stands in.
func (s *server) timeServers(ctx context.Context, m *inventory.Machine) ([]string, error) {
	networks, err := s.Store.Networks(ctx)
	if err != nil {
		return nil, err
	}
	return inventory.TimeServers(m, networks), nil
}
