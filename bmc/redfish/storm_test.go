package redfish_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rackwright/bmc"
	"rackwright/fault"
	"rackwright/inventory"
	"rackwright/racksim/faults"
	"rackwright/racksim/mockup"
)

// survivable are faults that cost a careful client time and nothing else.
func survivable() []faults.Fault {
	const system = "/redfish/v1/Systems/*"
	return []faults.Fault{
		{Kind: faults.Slow, Wait: 2 * time.Millisecond},
		{Kind: faults.Error500, Method: "GET", Times: 3, After: 6},
		{Kind: faults.Unavailable, Path: system, Times: 3},
		{Kind: faults.Answer, Method: "GET", Path: system, Status: 400, Message: "IDRAC.2.8.SYS518", Times: 3},
		{Kind: faults.WrongType},
		{Kind: faults.DropAfter, Method: "POST", Path: system, Times: 3},
		{Kind: faults.DropAfter, Method: "PATCH", Path: system, Times: 1},
		{Kind: faults.DropAfter, Method: "GET", Path: system, Times: 2, After: 3},
		{Kind: faults.Late202, Path: system, Wait: 10 * time.Millisecond},
		{Kind: faults.Late204, Path: system, Wait: 10 * time.Millisecond},
		{Kind: faults.PowerBounces, Path: system, Times: 2, After: 5},
		{Kind: faults.SessionFull},
	}
}

// someVendors are two or three of them, others for each number.
func someVendors(i int) []string {
	all := mockup.Vendors()
	var out []string
	for k, name := range all {
		if (k+3*i)%4 == 0 {
			out = append(out, name)
		}
	}
	return out
}

// TestEveryVendorIsDrivenThroughFaults is the fault matrix: each fault at some BMCs, and
// each BMC with some faults.
func TestEveryVendorIsDrivenThroughFaults(t *testing.T) {
	for i, ill := range survivable() {
		for _, name := range someVendors(i) {
			t.Run(fmt.Sprintf("%s/%d %s %s", name, i, ill.Kind, ill.Method), func(t *testing.T) {
				t.Parallel()
				m, set, access := replay(t, name, ill)
				c := dialReplay(t, access, swift())
				drive(t, m, c)
				if set.Hits(ill.Kind) == 0 {
					t.Errorf("%s met nobody", ill.Kind)
				}
				if n := set.FailedLogins(); n > 0 {
					t.Errorf("%d logins failed", n)
				}
			})
		}
	}
}

// drive goes through power and boot, and looks behind the BMC after each.
func drive(t *testing.T, m *mockup.BMC, c bmc.Controller) {
	t.Helper()
	step := func(what string, err error, want inventory.Power, starts int) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v (%s)", what, err, fault.HintOf(err))
		}
		if got := powerOf(m)(); got != want || m.Starts() != starts {
			t.Fatalf("after %s the machine is %s and started %d times, want %s and %d", what, got, m.Starts(), want, starts)
		}
	}
	step("off", c.Off(t.Context(), 0), inventory.PowerOff, 0)
	step("next boot", c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}), inventory.PowerOff, 0)
	step("on", c.On(t.Context()), inventory.PowerOn, 1)
	if got := m.Booted().Target; got != "Pxe" {
		t.Fatalf("the machine booted from %q", got)
	}
	step("cycle", c.Cycle(t.Context()), inventory.PowerOn, 2)
	if got := m.Booted().Target; got != "None" {
		t.Fatalf("the second start went to %q", got)
	}
}

// TestAWriteThatIsLostIsNotSentAgain hangs and breaks a reset whose fate is not known.
func TestAWriteThatIsLostIsNotSentAgain(t *testing.T) {
	for i, kind := range []string{faults.Hang, faults.Error500} {
		for _, name := range someVendors(i) {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				m, set, access := replay(t, name)
				timing := swift()
				timing.Proof = 200 * time.Millisecond
				if kind == faults.Hang {
					timing.Request = impatient
				}
				c, patient := dialReplay(t, access, timing), dialReplay(t, access, swift())
				if err := patient.Off(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
				set.Add(faults.Fault{Kind: kind, Method: "POST", Path: m.Host() + "/Actions"})
				want(t, c.On(t.Context()), fault.Unreachable)
				if n := set.Hits(kind); n != 1 || m.Starts() != 0 {
					t.Errorf("the reset was sent %d times, and the machine started %d times", n, m.Starts())
				}
				set.Clear()
				if err := patient.On(t.Context()); err != nil || m.Starts() != 1 {
					t.Errorf("when the BMC is well again: %v, %d starts", err, m.Starts())
				}
			})
		}
	}
}

func TestAnIgnoredOverrideIsAConflict(t *testing.T) {
	for _, name := range someVendors(0) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timing := swift()
			timing.Boot = 200 * time.Millisecond
			_, _, access := replay(t, name, faults.Fault{Kind: faults.BootIgnored})
			c := dialReplay(t, access, timing)
			want(t, c.SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE}), fault.Conflict, "ignored")
		})
	}
}

func TestATagThatTheBMCDoesNotKnowAgainIsLeftOut(t *testing.T) {
	for _, name := range someVendors(1) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, set, access := replay(t, name, faults.Fault{Kind: faults.WrongETag})
			err := dialReplay(t, access, swift()).SetNextBoot(t.Context(), bmc.Boot{Target: bmc.BootPXE})
			if err != nil || set.Hits(faults.WrongETag) == 0 {
				t.Errorf("%v after %d refusals", err, set.Hits(faults.WrongETag))
			}
		})
	}
}

func TestABMCThatIsAwayIsUnreachableAndSeenAgain(t *testing.T) {
	for kind, words := range map[string]string{faults.Refuse: "reset", faults.Hang: "no whole answer", faults.Error500: "HTTP 500", faults.Unavailable: "HTTP 503"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			_, set, access := replay(t, "dell-idrac9")
			timing := swift()
			timing.Patience = time.Millisecond
			if kind == faults.Hang {
				timing.Request = impatient
			}
			c := dialReplay(t, access, timing)
			set.Add(faults.Fault{Kind: kind, Wait: wait(kind)})
			_, err := c.Power(t.Context())
			want(t, err, fault.Unreachable, words)
			set.Clear()
			if _, err := c.Power(t.Context()); err != nil {
				t.Errorf("when it is well again: %v", err)
			}
		})
	}
}

// impatient is how long a BMC that hangs is waited for; a busy computer answers sooner.
const impatient = 2 * time.Second

// wait makes a pause that is asked for one that nobody takes.
func wait(kind string) time.Duration {
	if kind == faults.Unavailable {
		return time.Hour
	}
	return 0
}

func TestAnAnswerThatBreaksOffIsAnError(t *testing.T) {
	_, set, access := replay(t, "openbmc")
	c := dialReplay(t, access, swift())
	set.Add(faults.Fault{Kind: faults.Truncated})
	if _, err := c.Power(t.Context()); err == nil || fault.HintOf(err) == "" {
		t.Errorf("%v, want an error with a hint", err)
	}
	set.Clear()
	if _, err := c.Power(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNobodyIsLockedOut(t *testing.T) {
	for _, name := range someVendors(2) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, set, access := replay(t, name, faults.Fault{Kind: faults.Lockout, After: 2})
			c := dialReplay(t, access, swift())
			m.SetPassword(mockupUser, "somebody-changed-it", false)
			m.EndSessions()
			for range 5 {
				_, err := c.Power(t.Context())
				want(t, err, fault.Denied)
			}
			if n := set.FailedLogins(); n != 1 {
				t.Errorf("the wrong password was sent %d times", n)
			}
		})
	}
}

func TestAClockThatIsOffIsTold(t *testing.T) {
	_, _, access := replay(t, "lenovo-xcc", faults.Fault{Kind: faults.ClockOff, Wait: -2 * time.Hour})
	got, err := dialReplay(t, access, swift()).Clock(t.Context())
	if err != nil || got.Off > -2*time.Hour+time.Minute || got.Off < -2*time.Hour-time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestATaskThatNeverEndsIsReadAndNotWaitedFor(t *testing.T) {
	for _, name := range someVendors(1) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, access := replay(t, name, faults.Fault{Kind: faults.TaskNeverEnds})
			c := dialReplay(t, access, swift())
			task, err := c.StartUpdate(t.Context(), firmwareFile(t, "bios", "9"))
			if err != nil {
				t.Fatal(err)
			}
			if task.ID == "" {
				return // this vendor tells none
			}
			for range 3 {
				if got, err := c.Task(t.Context(), task.ID); err != nil || got.State != bmc.TaskRunning {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
}

// TestABMCIsDrivenAfterItsRestart goes on with the same Controller.
func TestABMCIsDrivenAfterItsRestart(t *testing.T) {
	for _, name := range mockup.Vendors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, _, access := replay(t, name)
			c := dialReplay(t, access, swift())
			if err := c.ResetBMC(t.Context()); err != nil {
				t.Fatalf("%v (%s)", err, fault.HintOf(err))
			}
			if m.Restarts() != 1 {
				t.Errorf("the BMC restarted %d times", m.Restarts())
			}
			drive(t, m, c)
		})
	}
}

// want checks an error's kind, its hint, its words and that it keeps the password.
func want(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if !fault.Is(err, kind) || fault.HintOf(err) == "" {
		t.Fatalf("%v (%s, hint %q), want %s with a hint", err, fault.KindOf(err), fault.HintOf(err), kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), mockupPassword) {
		t.Errorf("%q contains the password", err)
	}
}
