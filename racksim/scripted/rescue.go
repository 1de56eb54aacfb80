package scripted

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"rackwright/agent/wire"
)

// Bounds of one rescue of a scripted machine.
const (
	maxGuests = 8
	guestTime = time.Minute // of one connection
)

// visit is a rescue that is open: an SSH server on a port of its own, which runs nothing.
type visit struct {
	order  string
	door   json.RawMessage
	listen net.Listener
	said   chan string // logins the server was not told of yet
	done   chan struct{}
	once   sync.Once
}

// rescue does a rescue order: it opens the door, tells of logins, and asked again with the
// same id concludes once the person has finished.
func (a *agent) rescue(ctx context.Context, o wire.Order) error {
	if a.guest == nil || a.guest.order != o.ID {
		a.shut()
		return a.open(ctx, o)
	}
	for range cap(a.guest.said) {
		select {
		case words := <-a.guest.said:
			if err := a.report(ctx, wire.Event{Order: o.ID, Stage: wire.Open, Result: a.guest.door, Detail: words}); err != nil {
				return err
			}
			continue
		default:
		}
		break
	}
	select {
	case <-a.guest.done:
		a.shut()
		return a.conclude(ctx, wire.Event{Order: o.ID, Stage: wire.Completed, Detail: "the person has finished"})
	default:
		return nil
	}
}

func (a *agent) open(ctx context.Context, o wire.Order) error {
	v, err := a.openDoor(o)
	if err != nil {
		return a.conclude(ctx, wire.Event{Order: o.ID, Stage: wire.Failed, Reason: wire.ReasonRescue, Detail: err.Error()})
	}
	a.guest = v
	a.m.say("agent: rescue, a person can log in: %s", v.door)
	return a.report(ctx, wire.Event{Order: o.ID, Stage: wire.Open, Result: v.door, Detail: "a person can log in"})
}

// shut ends a rescue that is over; connections end by themselves.
func (a *agent) shut() {
	if a.guest != nil {
		a.guest.listen.Close()
		a.guest = nil
	}
}

// openDoor listens where the machine's own connections come from.
func (a *agent) openDoor(o wire.Order) (*visit, error) {
	keys := map[string]string{}
	for _, line := range o.Rescue.AuthorizedKeys {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, errors.New("a key cannot be read")
		}
		keys[string(key.Marshal())] = ssh.FingerprintSHA256(key)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	at := "127.0.0.1"
	if a.local.IsValid() {
		at = a.local.String()
	}
	l, err := net.Listen("tcp", net.JoinHostPort(at, "0"))
	if err != nil {
		return nil, err
	}
	v := &visit{order: o.ID, listen: l, said: make(chan string, 16), done: make(chan struct{})}
	v.door, _ = json.Marshal(wire.Door{Address: l.Addr().String(), HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))}) // two texts
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		name, ok := keys[string(key.Marshal())]
		if !ok || c.User() != "root" {
			return nil, errors.New("not let in")
		}
		return &ssh.Permissions{Extensions: map[string]string{"name": name}}, nil
	}}
	config.AddHostKey(signer)
	go v.accept(config, a.m)
	return v, nil
}

func (v *visit) accept(config *ssh.ServerConfig, m *Machine) {
	places := make(chan struct{}, maxGuests)
	for {
		c, err := v.listen.Accept()
		if err != nil {
			return
		}
		select {
		case places <- struct{}{}:
			go func() {
				defer func() { <-places }()
				v.converse(c, config, m)
			}()
		default:
			c.Close()
		}
	}
}

// converse is one connection: commands, each answered with the same words.
func (v *visit) converse(c net.Conn, config *ssh.ServerConfig, m *Machine) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(guestTime))
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	defer conn.Close()
	select {
	case v.said <- "logged in: " + conn.Permissions.Extensions["name"]:
	default: // told of enough
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		if n.ChannelType() != "session" {
			n.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, asked, err := n.Accept()
		if err != nil {
			return
		}
		v.session(channel, asked, m)
	}
}

// session answers one command (RFC 4254, section 6.5).
func (v *visit) session(channel ssh.Channel, asked <-chan *ssh.Request, m *Machine) {
	defer channel.Close()
	for r := range asked {
		var command struct{ Line string }
		if r.Type != "exec" || ssh.Unmarshal(r.Payload, &command) != nil {
			r.Reply(false, nil)
			continue
		}
		r.Reply(true, nil)
		m.say("rescue: %.100q", command.Line)
		if command.Line == "exit --done" || command.Line == "reboot" {
			v.once.Do(func() { close(v.done) })
		}
		channel.Write([]byte(m.Machine.Name + " is a scripted machine: it runs no commands\n"))
		channel.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
		return
	}
}
