package scripted

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"rackwright/agent/wire"
	"rackwright/racksim"
)

// agentTries is how often an agent asks a server that does not answer before it gives up:
// some 20 minutes.
const agentTries = 240

// maxManifest bounds an answer: a manifest of 2^18 chunks has some 40 MiB.
const maxManifest = 64 << 20

// errSession is a server that does not know the agent any more.
var errSession = errors.New("the server does not know this session any more")

// agent is a conversation with the server that started the ramdisk.
type agent struct {
	m       *Machine
	web     *nethttp.Client
	plain   *nethttp.Client // for sources besides the server
	sources []source
	base    string
	nonce   string
	session string
	told    time.Time             // of the last progress
	ended   map[string]wire.Event // how orders ended, by id
	local   netip.Addr            // of this machine, where it is one of this host's
	guest   *visit                // nil: no rescue is open
}

// runAgent is the machine with the ramdisk running. nic is where it booted from.
func (m *Machine) runAgent(ctx context.Context, nic racksim.NIC, cmdline string) after {
	m.stage(ctx)
	end, err := m.converse(ctx, nic, cmdline)
	if err == nil || ctx.Err() != nil {
		return end
	}
	m.say("agent: %v; restarting in %s", err, beforeReboot)
	pause(ctx, beforeReboot)
	return restart
}

func (m *Machine) converse(ctx context.Context, nic racksim.NIC, cmdline string) (after, error) {
	got, err := m.lease(ctx, nic, host)
	if err != nil {
		return restart, err
	}
	a, err := newAgent(m, m.portAt(got), cmdline)
	if err != nil {
		return restart, err
	}
	defer a.web.CloseIdleConnections()
	defer a.plain.CloseIdleConnections()
	var welcome wire.Welcome
	if _, err := a.call(ctx, nethttp.MethodPost, "/agent/v1/checkin", wire.CheckIn{Version: wire.Version, Nonce: a.nonce, Agent: "racksim", Facts: m.facts()}, &welcome); err != nil {
		return restart, err
	}
	a.session = welcome.Session
	m.say("agent: checked in as %s", welcome.Machine)
	if m.Machine.Fault == racksim.FaultAgentSilent {
		m.say("agent: silent, as the rack file wants it")
		a.web.CloseIdleConnections()
		<-ctx.Done()
		return restart, nil
	}
	return a.obey(ctx)
}

// newAgent reads the kernel command line.
func newAgent(m *Machine, p port, cmdline string) (*agent, error) {
	values := map[string]string{}
	for _, word := range strings.Fields(cmdline) {
		if key, value, ok := strings.Cut(word, "="); ok {
			values[key] = value
		}
	}
	server, err := url.Parse(values[wire.KeyServer])
	if err != nil || server.Scheme != "https" || server.Host == "" {
		return nil, fmt.Errorf("the kernel command line has no %s", wire.KeyServer)
	}
	pin, err := hex.DecodeString(values[wire.KeyPin])
	if err != nil || len(pin) != 32 {
		return nil, fmt.Errorf("the kernel command line has no %s", wire.KeyPin)
	}
	if values[wire.KeyNonce] == "" {
		return nil, fmt.Errorf("the kernel command line has no %s", wire.KeyNonce)
	}
	return &agent{m: m, web: p.web((*[32]byte)(pin)), plain: p.web(nil), base: "https://" + server.Host, local: p.local, nonce: values[wire.KeyNonce], ended: map[string]wire.Event{}}, nil
}

// obey takes orders until one ends this system.
func (a *agent) obey(ctx context.Context) (after, error) {
	defer a.shut()
	for ctx.Err() == nil {
		var o wire.Order
		some, err := a.call(ctx, nethttp.MethodGet, "/agent/v1/order", nil, &o)
		if err != nil {
			return restart, err
		}
		switch {
		case !some || o.Verb == wire.Stay:
		case a.ended[o.ID].Stage != "": // the server has not looked at the outcome yet
			err = a.report(ctx, a.ended[o.ID])
			pause(ctx, time.Second)
		case o.Verb == wire.Reboot || o.Verb == wire.Off:
			return a.end(ctx, o)
		case o.Verb == wire.Write && o.Write != nil:
			err = a.write(ctx, o)
		case o.Verb == wire.Erase && o.Erase != nil:
			err = a.erase(ctx, o)
		case o.Verb == wire.Burn && o.Burn != nil:
			var again bool
			if again, err = a.burn(ctx, o); again {
				return restart, nil
			}
		case o.Verb == wire.Rescue && o.Rescue != nil:
			err = a.rescue(ctx, o)
		default:
			err = a.conclude(ctx, wire.Event{Order: o.ID, Stage: wire.Refused, Reason: wire.ReasonBadOrder, Detail: "a scripted machine does not know this order"})
		}
		if err != nil {
			return restart, err
		}
		pause(ctx, max(a.m.Machine.Delay, 250*time.Millisecond))
	}
	return restart, nil
}

func (a *agent) end(ctx context.Context, o wire.Order) (after, error) {
	a.m.stage(ctx)
	if err := a.report(ctx, wire.Event{Order: o.ID, Stage: wire.Restarting}); errors.Is(err, errSession) {
		return restart, err
	}
	a.m.say("agent: ordered to %s", o.Verb)
	if o.Verb == wire.Off {
		return powerOff, nil
	}
	return restart, nil
}

// conclude reports how an order ended, and remembers it.
func (a *agent) conclude(ctx context.Context, e wire.Event) error {
	if len(a.ended) < 64 {
		a.ended[e.Order] = e
	}
	a.m.say("agent: order %s %s", e.Stage, e.Detail)
	return a.report(ctx, e)
}

func (a *agent) report(ctx context.Context, e wire.Event) error {
	_, err := a.call(ctx, nethttp.MethodPost, "/agent/v1/events", e, nil)
	return err
}

// progress reports at most four times a second.
func (a *agent) progress(ctx context.Context, e wire.Event) error {
	if time.Since(a.told) < 250*time.Millisecond {
		return nil
	}
	a.told = time.Now()
	return a.report(ctx, e)
}

// call sends in and decodes the answer into out until the server answers or patience is
// spent; false: there was nothing to decode.
func (a *agent) call(ctx context.Context, method, path string, in, out any) (bool, error) {
	var body []byte
	var err error
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return false, err
		}
	}
	for try := 1; ; try++ {
		var some, again bool
		if some, again, err = a.once(ctx, method, path, body, out); err == nil || !again || try == agentTries || ctx.Err() != nil {
			return some, err
		}
		backoff(ctx, try)
	}
}

// once sends one request; again says whether another may fare better.
func (a *agent) once(ctx context.Context, method, path string, body []byte, out any) (some, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*answerTime)
	defer cancel()
	response, again, err := a.do(ctx, method, path, body)
	if err != nil {
		return false, again, err
	}
	defer response.Body.Close()
	if out == nil || response.StatusCode == nethttp.StatusNoContent {
		return false, false, nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxManifest+1))
	if err != nil {
		return false, true, fmt.Errorf("the answer to %s was cut short: %w", path, err)
	}
	if len(text) > maxManifest {
		return false, false, fmt.Errorf("the answer to %s has more than %d bytes", path, maxManifest)
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = text
		return true, false, nil
	}
	return true, false, json.Unmarshal(text, out)
}

func (a *agent) do(ctx context.Context, method, path string, body []byte) (*nethttp.Response, bool, error) {
	request, err := nethttp.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	request.Header.Set("Content-Type", "application/json")
	if a.session != "" {
		request.Header.Set("Authorization", "Bearer "+a.session)
	}
	response, err := a.web.Do(request)
	if err != nil {
		return nil, !errors.Is(err, errPin), cause(err)
	}
	switch code := response.StatusCode; {
	case code < 300:
		return response, false, nil
	case code == nethttp.StatusUnauthorized || code == nethttp.StatusForbidden:
		err = errSession
	default:
		err = fmt.Errorf("the server answers %s to %s", response.Status, path)
	}
	response.Body.Close()
	return nil, response.StatusCode >= 500 || response.StatusCode == nethttp.StatusTooManyRequests, err
}
