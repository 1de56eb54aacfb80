package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
)

// questioner asks one thing after the other and notes how it went.
type questioner struct {
	ctx    context.Context
	now    func() time.Time
	report *Report
}

// ask notes one ability. What says is what there is to tell of it.
func (q *questioner) ask(name string, question func(context.Context) (says string, err error)) {
	start := q.now()
	says, err := question(q.ctx)
	a := Ability{Name: name, State: Can, Says: says, Took: q.now().Sub(start)}
	if err != nil {
		a.State, a.Says = stateOf(err), err.Error()
	}
	q.report.Abilities = append(q.report.Abilities, a)
}

// tell notes an ability that the evidence shows without a question.
func (q *questioner) tell(name string, can bool, says string) {
	q.report.Abilities = append(q.report.Abilities, Ability{Name: name, State: map[bool]string{true: Can, false: Cannot}[can], Says: says})
}

func stateOf(err error) string {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound:
		return Cannot
	case fault.Denied:
		return Denied
	}
	return Broken
}

// all asks every question that changes nothing.
func (q *questioner) all(c bmc.Controller, a *Asked) {
	e := a.Evidence
	q.ask("power", func(ctx context.Context) (says string, err error) {
		a.Power, err = c.Power(ctx)
		return string(a.Power) + listed("; reset types ", e.System.Resets), err
	})
	q.ask("boot override", func(ctx context.Context) (string, error) {
		next, err := c.NextBoot(ctx)
		if err == nil {
			a.Next = &next
		}
		return "next " + string(next.Target) + listed("; targets ", e.System.Targets), err
	})
	q.ask("boot order", func(ctx context.Context) (says string, err error) {
		a.Order, err = c.BootOrder(ctx)
		return amount(len(a.Order), "entry", "entries"), err
	})
	q.ask("secure boot", func(ctx context.Context) (string, error) {
		s, err := c.SecureBoot(ctx)
		return strings.TrimSpace(onOff(s.On) + " " + s.Mode), err
	})
	q.ask("virtual media", func(ctx context.Context) (says string, err error) {
		a.Media, err = c.Media(ctx)
		return drives(a.Media), err
	})
	q.ask("facts", func(ctx context.Context) (string, error) {
		f, err := c.Facts(ctx)
		if err == nil {
			a.Facts = &f
		}
		return parts(f), err
	})
	q.ask("sensors", func(ctx context.Context) (string, error) {
		r, err := c.Readings(ctx)
		if err == nil {
			a.Readings = &r
		}
		return amount(len(r.Sensors), "sensor", "sensors") + ", health " + cmp.Or(string(r.Health), "not told"), err
	})
	q.ask("log", func(ctx context.Context) (string, error) {
		entries, err := c.Log(ctx, maxLog)
		return newest(entries), err
	})
	q.ask("BIOS settings", func(ctx context.Context) (string, error) {
		s, err := c.Settings(ctx)
		return amount(len(s.Now), "attribute", "attributes") + fmt.Sprintf(", %d pending", len(s.Pending)), err
	})
	q.ask("firmware", func(ctx context.Context) (says string, err error) {
		a.Parts, err = c.Components(ctx)
		return amount(len(a.Parts), "component", "components"), err
	})
	if e.Told {
		q.tell("update", len(e.Updates) > 0, strings.Join(e.Updates, ", "))
		q.tell("event push", e.Events.Push, e.Events.says())
		q.tell("event stream", e.Events.Stream != "", "")
		q.tell("locator LED", e.Locator, "")
		q.tell("certificate", e.Certifies, map[bool]string{true: "it makes a key and takes a certificate for it"}[e.Certifies])
	}
	q.ask("subscriptions", func(ctx context.Context) (string, error) {
		s, err := c.Subscriptions(ctx)
		return fmt.Sprint(len(s)), err
	})
	q.keeping(c, a)
}

// keeping asks what concerns the BMC itself.
func (q *questioner) keeping(c bmc.Controller, a *Asked) {
	q.ask("accounts", func(ctx context.Context) (string, error) {
		all, err := c.Accounts(ctx)
		var says []string
		for _, u := range all {
			says = append(says, u.Name+" ("+u.Role+map[bool]string{false: ", disabled"}[u.Enabled]+")")
		}
		return strings.Join(says, ", "), err
	})
	q.ask("services", func(ctx context.Context) (says string, err error) {
		a.Protocols, err = c.Protocols(ctx)
		var on []string
		for _, p := range a.Protocols {
			if p.On {
				on = append(on, p.Name)
			}
		}
		return "on: " + strings.Join(on, ", "), err
	})
	q.ask("clock", func(ctx context.Context) (string, error) {
		clock, err := c.Clock(ctx)
		if err == nil {
			a.Clock = &clock
		}
		return fmt.Sprintf("%s ahead of us, NTP %s%s", clock.Off, onOff(clock.NTP), listed(" from ", clock.Servers)), err
	})
	q.ask("serial console", func(ctx context.Context) (string, error) {
		console, err := c.Console(ctx)
		return strings.Join(console.Kinds, ", ") + ", " + onOff(console.On) + listed(": ", slices.DeleteFunc([]string{console.Command}, func(s string) bool { return s == "" })), err
	})
	q.ask("place", func(ctx context.Context) (string, error) {
		p, err := c.Place(ctx)
		if p == (bmc.Place{}) {
			return "not told to it", err
		}
		return fmt.Sprintf("site %q, room %q, row %q, rack %q, unit %d", p.Site, p.Room, p.Row, p.Rack, p.Unit), err
	})
}

func onOff(on bool) string { return map[bool]string{true: "on", false: "off"}[on] }

func listed(before string, all []string) string {
	if len(all) == 0 {
		return ""
	}
	return before + strings.Join(all, ", ")
}

func amount(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func drives(all []bmc.Medium) string {
	var says []string
	for _, m := range all {
		says = append(says, m.ID+" ("+strings.Join(m.Kinds, "/")+")"+map[bool]string{true: " in use"}[m.Inserted])
	}
	return strings.Join(says, ", ")
}

func newest(all []bmc.Entry) string {
	if len(all) == 0 {
		return "empty"
	}
	return "newest: " + all[0].Message
}

func parts(f inventory.Facts) string {
	return strings.Join([]string{amount(len(f.CPUs), "processor", "processors"), amount(len(f.DIMMs), "memory module", "memory modules"),
		amount(len(f.Disks), "drive", "drives"), amount(len(f.NICs), "port", "ports"), amount(len(f.PSUs), "power supply", "power supplies")}, ", ")
}
