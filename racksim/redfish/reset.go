package redfish

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"rackwright/racksim"
)

const resetPath = systemPath + "/Actions/ComputerSystem.Reset"

// Times of power verbs that wait.
const (
	gracePeriod = 5 * time.Minute // for an operating system to shut down before GracefulRestart gives up
	cycleTime   = time.Second     // without power during PowerCycle
)

// resetTypes are the ResetType values of ComputerSystem.Reset served here.
func resetTypes() []string {
	return []string{"On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "PowerCycle", "PushPowerButton", "Nmi"}
}

func (s *Service) routeReset() {
	s.mux.HandleFunc("POST "+resetPath, s.reset)
	s.get(systemPath+"/ResetActionInfo", func() body {
		b := resource(systemPath+"/ResetActionInfo", "ActionInfo.v1_4_0.ActionInfo", "Reset Action Info")
		b["Parameters"] = []body{{"Name": "ResetType", "Required": true, "DataType": "String", "AllowableValues": resetTypes()}}
		return b
	})
}

// reset accepts a power verb; its effect follows the answer.
func (s *Service) reset(w http.ResponseWriter, r *http.Request) {
	p := s.allowed(r, configureComponents)
	var verb string
	if p == nil {
		verb, p = s.resetType(r)
	}
	if p == nil {
		p = s.submit(verb)
	}
	if p != nil {
		p.write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Service) resetType(r *http.Request) (string, *problem) {
	sent, p := readObject(r)
	if p != nil {
		return "", p
	}
	c := &changes{sent: sent}
	verb, ok := c.text("ResetType")
	if p := c.done(); p != nil {
		return "", p
	}
	if !ok {
		return "", refuse(http.StatusBadRequest, msgParameterMissing, "Reset", "ResetType")
	}
	if !slices.Contains(resetTypes(), verb) {
		return "", refuse(http.StatusBadRequest, msgParameterNotInList, verb, "ResetType", "Reset")
	}
	return verb, nil
}

// submit queues a verb. With no verb under way the power state is known, so one that
// cannot work is refused and one that changes nothing is done.
func (s *Service) submit(verb string) *problem {
	if s.power.idle() {
		on := s.Hardware.Power() != racksim.Off
		switch {
		case verb == "On" && on, verb == "ForceOff" && !on, verb == "GracefulShutdown" && !on:
			return nil
		case !on && verb != "On" && verb != "PushPowerButton":
			return refuse(http.StatusConflict, msgStandby)
		}
	}
	s.Logger.Info("bmc power verb", "machine", s.Machine.Name, "verb", verb)
	s.note(s.sel, systemPath, hapReset, verb)
	queued := s.power.add(func(ctx, patience context.Context) {
		if err := s.act(ctx, patience, verb); err != nil {
			s.Logger.Warn("bmc power verb failed", "machine", s.Machine.Name, "verb", verb, "error", err)
		} else if slices.Contains(starting(), verb) && s.Hardware.Power() == racksim.On {
			s.wasReset()
		}
	})
	if !queued {
		return refuse(http.StatusServiceUnavailable, msgInUse)
	}
	return nil
}

// starting are the verbs after which a machine that is on has begun anew.
func starting() []string {
	return []string{"On", "ForceRestart", "GracefulRestart", "PowerCycle", "PushPowerButton"}
}

// wasReset dates a reset.
func (s *Service) wasReset() {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = now
}

// act carries a verb out. patience ends when a later verb makes waiting pointless.
func (s *Service) act(ctx, patience context.Context, verb string) error {
	h := s.Hardware
	switch verb {
	case "On":
		return h.PowerOn(ctx)
	case "ForceOff":
		return h.ForceOff(ctx)
	case "ForceRestart":
		return h.Restart(ctx)
	case "Nmi":
		return h.Interrupt(ctx)
	case "GracefulShutdown":
		return h.PressPower(ctx)
	case "PushPowerButton":
		if h.Power() == racksim.Off {
			return h.PowerOn(ctx)
		}
		return h.PressPower(ctx)
	case "GracefulRestart":
		return s.gracefulRestart(ctx, patience)
	}
	return s.cycle(ctx, patience)
}

func (s *Service) gracefulRestart(ctx, patience context.Context) error {
	if err := s.Hardware.PressPower(ctx); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(patience, gracePeriod)
	defer cancel()
	if err := racksim.Await(patience, s.Hardware, racksim.Off); err != nil {
		return err // the operating system did not listen, and the machine runs on
	}
	return s.Hardware.PowerOn(ctx)
}

func (s *Service) cycle(ctx, patience context.Context) error {
	if err := s.Hardware.ForceOff(ctx); err != nil {
		return err
	}
	timer := time.NewTimer(cycleTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-patience.Done():
		return patience.Err()
	}
	return s.Hardware.PowerOn(ctx)
}

// maxVerbs is how many power verbs may wait.
const maxVerbs = 8

type powerVerb func(ctx, patience context.Context)

// powerQueue carries power verbs out one after the other. The zero value is ready.
type powerQueue struct {
	once  sync.Once
	verbs chan powerVerb

	mu      sync.Mutex
	pending int                // queued or under way
	cancel  context.CancelFunc // ends the patience of the one under way
}

func (q *powerQueue) init() { q.once.Do(func() { q.verbs = make(chan powerVerb, maxVerbs) }) }

func (q *powerQueue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending == 0
}

// add queues a verb and ends the waiting of the one under way; false: too many wait.
func (q *powerQueue) add(v powerVerb) bool {
	q.init()
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case q.verbs <- v:
	default:
		return false
	}
	q.pending++
	if q.cancel != nil {
		q.cancel()
	}
	return true
}

func (q *powerQueue) run(ctx context.Context) {
	q.init()
	for {
		select {
		case <-ctx.Done():
			return
		case v := <-q.verbs:
			q.do(ctx, v)
		}
	}
}

func (q *powerQueue) do(ctx context.Context, v powerVerb) {
	patience, cancel := context.WithCancel(ctx)
	defer cancel()
	q.mu.Lock()
	q.cancel = cancel
	if q.pending > 1 {
		cancel() // a later verb waits already
	}
	q.mu.Unlock()
	v(ctx, patience)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending--
	q.cancel = nil
}
