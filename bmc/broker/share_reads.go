package broker

import (
	"context"
	"fmt"

	"rackwright/bmc"
	"rackwright/inventory"
)

// Power implements bmc.Controller.
func (s *share) Power(ctx context.Context) (inventory.Power, error) {
	return ask(ctx, s, "Power", true, bmc.Controller.Power)
}

// NextBoot implements bmc.Controller.
func (s *share) NextBoot(ctx context.Context) (bmc.Boot, error) {
	return ask(ctx, s, "NextBoot", true, bmc.Controller.NextBoot)
}

// BootOrder implements bmc.Controller.
func (s *share) BootOrder(ctx context.Context) ([]bmc.BootOption, error) {
	return ask(ctx, s, "BootOrder", true, bmc.Controller.BootOrder)
}

// SecureBoot implements bmc.Controller.
func (s *share) SecureBoot(ctx context.Context) (bmc.SecureBoot, error) {
	return ask(ctx, s, "SecureBoot", true, bmc.Controller.SecureBoot)
}

// Media implements bmc.Controller.
func (s *share) Media(ctx context.Context) ([]bmc.Medium, error) {
	return ask(ctx, s, "Media", true, bmc.Controller.Media)
}

// Identity implements bmc.Controller.
func (s *share) Identity(ctx context.Context) (inventory.Facts, error) {
	return ask(ctx, s, "Identity", true, bmc.Controller.Identity)
}

// Facts implements bmc.Controller.
func (s *share) Facts(ctx context.Context) (inventory.Facts, error) {
	return ask(ctx, s, "Facts", false, bmc.Controller.Facts)
}

// Readings implements bmc.Controller.
func (s *share) Readings(ctx context.Context) (bmc.Readings, error) {
	return ask(ctx, s, "Readings", true, bmc.Controller.Readings)
}

// Progress implements bmc.Controller.
func (s *share) Progress(ctx context.Context) (string, error) {
	return ask(ctx, s, "Progress", false, bmc.Controller.Progress)
}

// Log implements bmc.Controller.
func (s *share) Log(ctx context.Context, limit int) ([]bmc.Entry, error) {
	return ask(ctx, s, fmt.Sprint("Log ", limit), false, func(c bmc.Controller, ctx context.Context) ([]bmc.Entry, error) {
		return c.Log(ctx, limit)
	})
}

// Settings implements bmc.Controller.
func (s *share) Settings(ctx context.Context) (bmc.Settings, error) {
	return ask(ctx, s, "Settings", false, bmc.Controller.Settings)
}

// Components implements bmc.Controller.
func (s *share) Components(ctx context.Context) ([]bmc.Component, error) {
	return ask(ctx, s, "Components", false, bmc.Controller.Components)
}

// Task implements bmc.Controller.
func (s *share) Task(ctx context.Context, id string) (bmc.Task, error) {
	return ask(ctx, s, "Task "+id, false, func(c bmc.Controller, ctx context.Context) (bmc.Task, error) {
		return c.Task(ctx, id)
	})
}

// Accounts implements bmc.Controller.
func (s *share) Accounts(ctx context.Context) ([]bmc.Account, error) {
	return ask(ctx, s, "Accounts", true, bmc.Controller.Accounts)
}

// Protocols implements bmc.Controller.
func (s *share) Protocols(ctx context.Context) ([]bmc.Protocol, error) {
	return ask(ctx, s, "Protocols", true, bmc.Controller.Protocols)
}

// Clock implements bmc.Controller.
func (s *share) Clock(ctx context.Context) (bmc.Clock, error) {
	return ask(ctx, s, "Clock", false, bmc.Controller.Clock)
}

// Console implements bmc.Controller.
func (s *share) Console(ctx context.Context) (bmc.Console, error) {
	return ask(ctx, s, "Console", true, bmc.Controller.Console)
}

// Place implements bmc.Controller.
func (s *share) Place(ctx context.Context) (bmc.Place, error) {
	return ask(ctx, s, "Place", true, bmc.Controller.Place)
}

// Subscriptions implements bmc.Controller.
func (s *share) Subscriptions(ctx context.Context) ([]bmc.Subscription, error) {
	return ask(ctx, s, "Subscriptions", true, bmc.Controller.Subscriptions)
}
