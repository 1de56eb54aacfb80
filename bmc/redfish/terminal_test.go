package redfish_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"rackwright/bmc"
	"rackwright/bmc/redfish"
	"rackwright/fault"
	"rackwright/integration/porttest"
	sim "rackwright/racksim/redfish"
	"rackwright/racksim/simtest"
)

// consoled is a BMC that shows a serial console on a port of its own.
func consoled(t *testing.T) (*sim.Service, bmc.Controller) {
	t.Helper()
	_, service, address := simtest.Start(t, `{name: node1, u: 10, bmc: {address: 127.0.0.1, username: root, password: racked-and-stacked, console_port: `+strconv.Itoa(porttest.Free(t))+`}}`)
	c, err := (&redfish.Dialer{}).Dial(t.Context(), bmc.Access{Address: address, Username: "root", Password: "racked-and-stacked"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
	return service, c
}

// speak adds to what the machine says.
func speak(t *testing.T, s *sim.Service, text string) {
	t.Helper()
	f, err := os.OpenFile(s.Console, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

func TestTheConsoleIsReadOverSSHFromTheBMCsOwnWord(t *testing.T) {
	s, c := consoled(t)
	speak(t, s, "what was before\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	key, got := "", ""
	err := c.WatchConsole(ctx, bmc.ConsoleView{Pin: func(k string) error { key = k; return nil }, Opened: func() { speak(t, s, "it says no\n") },
		See: func(p []byte) {
			if got += string(p); strings.HasSuffix(got, "it says no\n") {
				cancel()
			}
		}})
	if err != nil || got != "it says no\n" && got != "what was before\nit says no\n" || !strings.HasPrefix(key, "SHA256:") {
		t.Errorf("saw %q, key %s, %v", got, key, err)
	}
}

func TestAConsoleWithAnotherHostKeyGetsNoPassword(t *testing.T) {
	_, c := consoled(t)
	opened := func() { t.Error("it was opened") }
	err := c.WatchConsole(t.Context(), bmc.ConsoleView{HostKey: "SHA256:of-another", Opened: opened})
	want(t, err, fault.Denied, "another host key")
	refusal := fault.Conflictf("not this one").WithHint("no")
	err = c.WatchConsole(t.Context(), bmc.ConsoleView{Pin: func(string) error { return refusal }, Opened: opened})
	if !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
}

func TestAConsoleThatIsNotThereIsUnreachable(t *testing.T) {
	_, _, address := simtest.Start(t, `{name: node1, u: 10, bmc: {address: 127.0.0.1, username: root, password: racked-and-stacked}}`)
	c, err := (&redfish.Dialer{}).Dial(t.Context(), bmc.Access{Address: address, Username: "root", Password: "racked-and-stacked"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	want(t, c.WatchConsole(t.Context(), bmc.ConsoleView{}), fault.Unreachable, "console")
}
