// Package ssh reads a serial console that a BMC passes on over SSH (RFC 4254).
package ssh

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"rackwright/bmc"
	"rackwright/fault"
)

// Target is where a console is and how it is entered.
type Target struct {
	Address  string // host:port
	Username string
	Password string // only in memory
	Entry    string // command that leads from the BMC's command line to the console; empty: the port is the console
}

// How long things may take.
const (
	greeting = 20 * time.Second // to the open console
	alive    = 30 * time.Second // between two questions whether the BMC is there
)

// Watch shows what the console says until ctx ends, which is no error, or the connection
// breaks.
func Watch(ctx context.Context, t Target, v bmc.ConsoleView) error {
	dialer := net.Dialer{Timeout: greeting}
	raw, err := dialer.DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return unreachable(ctx, t, err)
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	_ = raw.SetDeadline(time.Now().Add(greeting))
	client, err := login(raw, t, v)
	if err != nil {
		return explain(ctx, t, err)
	}
	defer client.Close()
	out, session, err := enter(client, t.Entry)
	if err != nil {
		return explain(ctx, t, err)
	}
	defer session.Close()
	_ = raw.SetDeadline(time.Time{})
	if v.Opened != nil {
		v.Opened()
	}
	go ask(ctx, client, raw)
	return explain(ctx, t, see(out, v.See))
}

// login opens the connection. The host key is looked at before the password is sent.
func login(raw net.Conn, t Target, v bmc.ConsoleView) (*ssh.Client, error) {
	answer := func(_, _ string, questions []string, _ []bool) ([]string, error) {
		out := make([]string, len(questions))
		for i := range out {
			out[i] = t.Password
		}
		return out, nil
	}
	conn, channels, requests, err := ssh.NewClientConn(raw, t.Address, &ssh.ClientConfig{User: t.Username, ClientVersion: "SSH-2.0-rackwright", Timeout: greeting,
		Auth:            []ssh.AuthMethod{ssh.Password(t.Password), ssh.KeyboardInteractive(answer)},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error { return known(t, v, Fingerprint(key.Marshal())) }})
	if err != nil {
		return nil, err
	}
	return ssh.NewClient(conn, channels, requests), nil
}

// Fingerprint is the name of a host key as ssh-keygen prints it.
func Fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// strangeKey is a host key that is not the pinned one.
type strangeKey struct{ error }

func known(t Target, v bmc.ConsoleView, key string) error {
	switch {
	case v.HostKey == "" && v.Pin != nil:
		return v.Pin(key)
	case v.HostKey == "" || subtle.ConstantTimeCompare([]byte(v.HostKey), []byte(key)) == 1:
		return nil
	}
	return strangeKey{fault.Deniedf("the console of BMC %s shows another host key (%s) than before", t.Address, key).
		WithHint("if the BMC was reset or replaced, 'rackwright machine console NAME --new-key' trusts the new one; else somebody is in between")}
}

// enter opens the console on a terminal of common size.
func enter(client *ssh.Client, entry string) (io.Reader, *ssh.Session, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, nil, err
	}
	out, err := session.StdoutPipe()
	var in io.WriteCloser
	if err == nil {
		in, err = session.StdinPipe() // held open: some consoles end with their input
	}
	if err == nil {
		err = session.RequestPty("vt100", 24, 80, ssh.TerminalModes{ssh.ECHO: 0})
	}
	switch {
	case err != nil:
	case entry == "":
		err = session.Shell()
	default:
		if err = session.Start(entry); err != nil && !errors.Is(err, io.EOF) { // a command line that takes commands only when they are typed
			if err = session.Shell(); err == nil {
				_, err = io.WriteString(in, entry+"\r")
			}
		}
	}
	if err != nil {
		session.Close()
		return nil, nil, err
	}
	return out, session, nil
}

// see passes on what comes until it ends.
func see(out io.Reader, to func([]byte)) error {
	buf := make([]byte, 4<<10)
	for {
		n, err := out.Read(buf)
		if n > 0 && to != nil {
			to(buf[:n])
		}
		if err != nil {
			return err
		}
	}
}

// ask closes the connection when the BMC does not answer any more. A request that a BMC
// does not know is refused, which is an answer.
func ask(ctx context.Context, client *ssh.Client, raw net.Conn) {
	ended := make(chan struct{})
	go func() { _ = client.Wait(); close(ended) }()
	tick := time.NewTicker(alive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-tick.C:
		}
		late := time.AfterFunc(greeting, func() { raw.Close() })
		_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
		late.Stop()
		if err != nil {
			return
		}
	}
}

func explain(ctx context.Context, t Target, err error) error {
	var strange strangeKey
	var f *fault.Error
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.As(err, &strange):
		return strange.error
	case errors.As(err, &f):
		return f
	case err != nil && strings.Contains(err.Error(), "unable to authenticate"):
		return fault.Deniedf("the console of BMC %s refuses our account", t.Address).WithHint("let the account use SSH and the serial console: on many BMCs that is a privilege of its own")
	case errors.Is(err, io.EOF):
		return fault.Unreachablef("the console of BMC %s was closed", t.Address).WithHint("many BMCs show it to one at a time: somebody else may have it")
	}
	return unreachable(ctx, t, err)
}

func unreachable(ctx context.Context, t Target, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fault.Unreachablef("the console of BMC %s cannot be read: %w", t.Address, err).WithHint("check that SSH is on at the BMC and not filtered on the way")
}
