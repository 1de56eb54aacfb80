package ipmi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	library "github.com/bougou/go-ipmi"

	"rackwright/bmc"
	"rackwright/fault"
)

// Datagrams get lost: a read is sent so often.
const sends = 3

// asking is what is done in one session.
type asking func(context.Context, *library.Client) error

// read does what may be asked twice: a datagram without an answer is sent again.
func (c *Controller) read(ctx context.Context, doing string, do asking) error {
	return c.session(ctx, doing, sends-1, do)
}

// write does what may not: its datagram is sent once.
func (c *Controller) write(ctx context.Context, doing string, do asking) error {
	return c.session(ctx, doing, 0, do)
}

func (c *Controller) session(ctx context.Context, doing string, again int, do asking) error {
	select {
	case <-c.closed:
		return fault.Conflictf("the connection to BMC %s is closed", c.access.Address)
	default:
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return bmc.NoAnswer(c.access, ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, c.timing.Session)
	defer cancel()
	return c.explain(doing, c.exchange(ctx, again, do))
}

// exchange opens a session, does it, and closes. The library parses what a BMC sends; a
// panic in there is the BMC's nonsense, not our end.
func (c *Controller) exchange(ctx context.Context, again int, do asking) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errNonsense
			c.log.Debug("ipmi library failed on an answer", "bmc", c.host, "panic", fmt.Sprint(v))
		}
	}()
	client, err := library.NewClient(c.host, c.port, c.access.Username, c.access.Password)
	if err != nil {
		return err
	}
	client.WithTimeout(c.timing.Answer).WithRetry(sends - 1).WithCipherSuiteID(c.suite).WithMaxPrivilegeLevel(library.PrivilegeLevelAdministrator)
	if err := login(ctx, client); err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx)) // one more datagram; the BMC forgets the session by itself, too
	client.WithRetry(again)
	return do(ctx, client)
}

// login opens a session (IPMI 2.0, 13.15). The library's own Connect asks for the channel's
// capabilities first, in a format that OpenIPMI's BMC leaves unanswered, tries further
// cipher suites after a wrong password, which locks accounts, and keeps sessions alive.
func login(ctx context.Context, client *library.Client) error {
	if _, err := client.OpenSession(ctx); err != nil {
		return loginError{openSession, err}
	}
	if _, err := client.RAKPMessage1(ctx); err != nil {
		return loginError{rakp, err}
	}
	if _, err := client.RAKPMessage3(ctx); err != nil {
		return loginError{rakp, err}
	}
	if _, err := client.SetSessionPrivilegeLevel(ctx, library.PrivilegeLevelAdministrator); err != nil {
		return loginError{privilege, err}
	}
	return nil
}

// phase is how far a login came.
type phase uint8

const (
	openSession phase = iota // cipher suite and session ids (13.17)
	rakp                     // user and password (13.20 to 13.23)
	privilege                // what the user may (22.18)
)

var errNonsense = errors.New("an answer that is not IPMI")

// loginError is a session that could not be opened.
type loginError struct {
	at  phase
	err error
}

// Error says no more than that: the library's words about RAKP hold hashes of the password.
func (e loginError) Error() string { return "the session was not opened" }

// noSuite reports whether a BMC refused the cipher suite: no password was judged.
func noSuite(err error) bool {
	_, refused := errors.AsType[suiteError](err)
	return refused
}

type suiteError struct{ error }

// Unwrap returns the fault.
func (e suiteError) Unwrap() error { return e.error }

// explain gives an error its kind. The library's own words about a login hold hashes of
// the password and go nowhere.
func (c *Controller) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if login, ok := errors.AsType[loginError](err); ok {
		return c.explainLogin(login)
	}
	if r, ok := errors.AsType[*library.ResponseError](err); ok {
		return c.refused(doing, r)
	}
	switch {
	case errors.Is(err, errNonsense), errors.Is(err, library.ErrUnpackedDataTooShort):
		return fault.Conflictf("BMC %s answers with something that is not IPMI", c.access.Address).WithHint("check bmc.address; restart the BMC if it is right")
	case errors.Is(err, context.Canceled):
		return fault.Unreachablef("gave up on BMC %s: %w", c.access.Address, context.Canceled)
	}
	return bmc.NoAnswer(c.access, errSilent)
}

var errSilent = errors.New("no answer in time")

// explainLogin tells what a login came to.
func (c *Controller) explainLogin(login loginError) error {
	switch {
	case errors.Is(login.err, context.Canceled):
		return fault.Unreachablef("gave up on BMC %s: %w", c.access.Address, context.Canceled)
	case silent(login.err):
		return bmc.NoAnswer(c.access, errSilent)
	case login.at == openSession:
		return suiteError{fault.Conflictf("BMC %s takes none of the cipher suites 17 and 3", c.access.Address).
			WithHint("allow cipher suite 17 or 3 in the BMC; suite 0 is not spoken, it asks for no password")}
	case login.at == privilege:
		return fault.Deniedf("BMC %s does not let user %q be administrator", c.access.Address, c.access.Username).
			WithHint("give the user the privilege Administrator on the LAN channel")
	}
	return bmc.WrongPassword(c.access)
}

// silent reports whether nothing came back: every datagram's time was over, or the port
// is closed.
func silent(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "no datagram matched")
}

// refused tells what the BMC said, by its completion code (IPMI 2.0, table 5-2).
func (c *Controller) refused(doing string, r *library.ResponseError) error {
	code := uint8(r.CompletionCode())
	kind, hint := fault.Conflict, "look at the BMC's own event log; restart the BMC if it stays so"
	switch code {
	case 0xc1, 0xc2, 0xc7, 0xc8, 0xc9, 0xcc, 0x80, 0xd6:
		kind, hint = fault.Invalid, "the BMC cannot do this"
	case 0xd4:
		kind, hint = fault.Denied, "give the BMC's user the privilege Operator or Administrator on the LAN channel"
	case 0xc0, 0xc3, 0xd2:
		kind, hint = fault.Unreachable, "the BMC is busy: it is tried again later"
	}
	return fault.New(kind, "BMC %s refuses to %s: completion code %#02x", c.access.Address, doing, code).WithHint("%s", hint)
}
