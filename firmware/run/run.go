// Package run drives firmware campaigns: it looks at what became of the machines of a
// campaign, asks firmware.Advance what is next, and begins those updates. The updates
// themselves are operations, which deploy/run does.
package run

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"rackwright/deploy"
	"rackwright/fault"
	"rackwright/firmware"
	"rackwright/inventory"
	"rackwright/journal"
	"rackwright/store"
)

// Store is what the task asks of the database.
type Store interface {
	ClaimCampaign(ctx context.Context, owner string, ttl time.Duration) (*firmware.Campaign, error)
	SaveCampaign(ctx context.Context, c *firmware.Campaign, due time.Time, events ...journal.Event) error
	CampaignDue() (<-chan struct{}, func())
	Operation(ctx context.Context, id string) (*deploy.Operation, error)
	Operations(ctx context.Context, f store.OperationFilter) ([]deploy.Operation, error)
	CreateOperation(ctx context.Context, kind deploy.Kind, machine string, order deploy.Order, actor string) (*deploy.Operation, error)
	FirmwareFiles(ctx context.Context) ([]firmware.File, error)
	FirmwareMachine(ctx context.Context, idOrName string) (*firmware.Machine, *inventory.Machine, error)
}

// Task drives campaigns. Several, in one process or many, may share a database: each
// campaign is in the hands of one.
type Task struct {
	Store Store
	Log   *slog.Logger
	Now   func() time.Time
	Owner string        // unique to this process
	Poll  time.Duration // 0: 5 s; how often due campaigns are looked for
}

// How long a campaign is lent, and how often one that runs is looked at.
const (
	lease = 2 * time.Minute
	again = 5 * time.Second
)

// String names the task.
func (t *Task) String() string { return "firmware campaigns" }

// Run drives campaigns until ctx ends.
func (t *Task) Run(ctx context.Context) error {
	due, stop := t.Store.CampaignDue()
	defer stop()
	poll := t.Poll
	if poll == 0 {
		poll = 5 * time.Second
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if err := t.Round(ctx); err != nil && ctx.Err() == nil {
			t.Log.Warn("a firmware campaign was not driven; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-due:
		case <-tick.C:
		}
	}
}

// Round looks after every campaign that is due.
func (t *Task) Round(ctx context.Context) error {
	for ctx.Err() == nil {
		c, err := t.Store.ClaimCampaign(ctx, t.Owner, lease)
		if err != nil || c == nil {
			return err
		}
		if err := t.drive(ctx, c); err != nil && !fault.Is(err, fault.Conflict) { // a person was quicker: it is due again
			return err
		}
	}
	return nil
}

// drive takes a campaign one step on. What is to begin is written down before it is begun:
// whoever goes on after us finds an operation that is there, or begins it.
func (t *Task) drive(ctx context.Context, c *firmware.Campaign) error {
	reports, err := t.reports(ctx, c)
	if err != nil {
		return err
	}
	next, begin := firmware.Advance(*c, reports, t.Now())
	if err := t.Store.SaveCampaign(ctx, &next, t.due(begin), t.events(c, &next)...); err != nil || len(begin) == 0 {
		return err
	}
	reports = map[string]firmware.Report{}
	for _, machine := range begin {
		if reports[machine], err = t.begin(ctx, &next, machine); err != nil {
			return err
		}
	}
	was := next
	next, more := firmware.Advance(next, reports, t.Now())
	for i := range next.Targets { // what was skipped made room; the next look begins it
		for _, m := range more {
			if next.Targets[i].Machine == m {
				next.Targets[i].State = firmware.TargetWaiting
			}
		}
	}
	due := t.Now().Add(again)
	if len(more) > 0 {
		due = t.Now()
	}
	return t.Store.SaveCampaign(ctx, &next, due, t.events(&was, &next)...)
}

// due is when to look next: while updates are being begun nobody else looks.
func (t *Task) due(begin []string) time.Time {
	if len(begin) > 0 {
		return t.Now().Add(lease)
	}
	return t.Now().Add(again)
}

// reports says what became of what was begun.
func (t *Task) reports(ctx context.Context, c *firmware.Campaign) (map[string]firmware.Report, error) {
	out := map[string]firmware.Report{}
	for _, target := range c.Targets {
		if target.State != firmware.TargetRunning && target.State != firmware.TargetFailed {
			continue
		}
		if target.Operation == "" { // a server stopped between its word and the deed
			r, err := t.begin(ctx, c, target.Machine)
			if err != nil {
				return nil, err
			}
			out[target.Machine] = r
			continue
		}
		o, err := t.Store.Operation(ctx, target.Operation)
		switch {
		case fault.Is(err, fault.NotFound):
			out[target.Machine] = firmware.Report{State: firmware.ReportFailed, Why: "its operation is gone"}
		case err != nil:
			return nil, err
		default:
			out[target.Machine] = report(o)
		}
	}
	return out, nil
}

// report is an operation as a campaign sees it: one that waits for a person has failed
// until that person lets it go on.
func report(o *deploy.Operation) firmware.Report {
	r := firmware.Report{State: firmware.ReportRunning, Operation: o.ID}
	switch o.State {
	case deploy.Succeeded:
		r.State = firmware.ReportDone
	case deploy.Parked, deploy.Failed:
		r.State, r.Why = firmware.ReportFailed, o.Reason+": "+o.Message
	case deploy.Cancelled:
		r.State, r.Why = firmware.ReportFailed, "its operation was cancelled"
	}
	return r
}

// begin begins the update of a machine, or finds the one that was begun.
func (t *Task) begin(ctx context.Context, c *firmware.Campaign, machine string) (firmware.Report, error) {
	ours, err := t.ours(ctx, c, machine)
	if err != nil || ours != nil {
		return firmware.Report{State: firmware.ReportRunning, Operation: id(ours)}, err
	}
	if c.State.Ended() {
		return firmware.Report{State: firmware.ReportSkipped, Why: "the campaign ended before it was begun"}, nil
	}
	m, _, err := t.Store.FirmwareMachine(ctx, machine)
	if fault.Is(err, fault.NotFound) {
		return firmware.Report{State: firmware.ReportSkipped, Why: "there is no such machine any more"}, nil
	}
	if err != nil {
		return firmware.Report{}, err
	}
	files, err := t.Store.FirmwareFiles(ctx)
	if err != nil {
		return firmware.Report{}, err
	}
	choice := firmware.Choose(*m, files, firmware.Wish{File: c.Rollout.File, Downgrade: c.Rollout.Downgrade})
	if len(choice.Picks) == 0 {
		return firmware.Report{State: firmware.ReportSkipped, Why: nothing(choice)}, nil
	}
	order := deploy.Order{Firmware: &deploy.FirmwareOrder{Files: choice.Picks, Active: c.Rollout.Active, Campaign: c.ID}}
	o, err := t.Store.CreateOperation(ctx, deploy.Firmware, machine, order, "campaign "+c.Name)
	switch {
	case err == nil:
		return firmware.Report{State: firmware.ReportRunning, Operation: o.ID}, nil
	case fault.Is(err, fault.Conflict): // held, in maintenance, or other work has it
		return firmware.Report{State: firmware.ReportBusy, Why: err.Error()}, nil
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound):
		return firmware.Report{State: firmware.ReportSkipped, Why: err.Error()}, nil
	}
	return firmware.Report{}, err
}

func nothing(c firmware.Choice) string {
	if len(c.Lacks) > 0 {
		return c.Lacks[0].Component + ": " + c.Lacks[0].Why
	}
	return "it has what it is to have"
}

// ours finds the campaign's own operation on a machine.
func (t *Task) ours(ctx context.Context, c *firmware.Campaign, machine string) (*deploy.Operation, error) {
	list, err := t.Store.Operations(ctx, store.OperationFilter{Machine: machine, Kind: string(deploy.Firmware), Limit: 20})
	for i := range list {
		if o := list[i].Order.Firmware; o != nil && o.Campaign == c.ID {
			return &list[i], nil
		}
	}
	return nil, err
}

func id(o *deploy.Operation) string {
	if o == nil {
		return ""
	}
	return o.ID
}

// events says what a campaign did.
func (t *Task) events(was, now *firmware.Campaign) (out []journal.Event) {
	say := func(what string) { out = append(out, store.CampaignEvent(now, "campaign", what)) }
	if now.State != was.State {
		what := string(now.State)
		if now.Why != "" {
			what += ": " + now.Why
		}
		say(what)
	}
	if now.Wave != was.Wave {
		say(fmt.Sprintf("wave %d", now.Wave))
	}
	before := map[string]firmware.TargetState{}
	for _, target := range was.Targets {
		before[target.Machine] = target.State
	}
	for _, target := range now.Targets {
		if target.State == before[target.Machine] {
			continue
		}
		what := fmt.Sprintf("%s is %s", target.Name, target.State)
		if target.Why != "" {
			what += ": " + target.Why
		}
		say(what)
		out[len(out)-1].Machine, out[len(out)-1].Name, out[len(out)-1].Operation = target.Machine, target.Name, target.Operation
	}
	return out
}
