package rescue

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// anyPort in Ground.Port asks for a free port, in tests.
const anyPort = -1

func itoa(port int) string { return strconv.Itoa(max(port, 0)) }

// converse is one connection.
func (h *House) converse(c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(h.ctx, func() { _ = c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(loginTime))
	conn, channels, requests, err := ssh.NewServerConn(c, h.config)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = c.SetDeadline(time.Time{})
	who := conn.Permissions.Extensions["name"] + " from " + plain(conn.RemoteAddr().String())
	began := time.Now()
	h.tell("logged in: " + who)
	h.ground.Say("rescue: logged in: %s", who)
	defer func() { h.tell("logged out after " + time.Since(began).Round(time.Second).String() + ": " + who) }()
	go ssh.DiscardRequests(requests)
	go h.watch(conn)
	for n := range channels {
		if n.ChannelType() != "session" {
			_ = n.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		if !h.enter(&h.sessions, maxSessions) {
			_ = n.Reject(ssh.ResourceShortage, "too many sessions")
			continue
		}
		channel, asked, err := n.Accept()
		if err != nil {
			h.leave(&h.sessions)
			continue
		}
		h.wait.Go(func() {
			defer h.leave(&h.sessions)
			defer channel.Close()
			h.session(channel, asked)
		})
	}
}

// watch ends a connection whose other end is gone.
func (h *House) watch(conn *ssh.ServerConn) {
	gone := make(chan struct{})
	go func() {
		_ = conn.Wait()
		close(gone)
	}()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-gone:
			return
		case <-tick.C:
		}
		answered := make(chan error, 1)
		go func() {
			_, _, err := conn.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		}()
		select {
		case err := <-answered:
			if err != nil {
				_ = conn.Close()
				return
			}
		case <-time.After(keepAlive):
			_ = conn.Close()
			return
		}
	}
}

// window is a terminal's size in characters.
type window struct{ columns, rows uint16 }

var defaultWindow = window{80, 24}

// session does one session: an optional terminal, then one shell or one command
// (RFC 4254, section 6).
func (h *House) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	s := &shell{house: h, in: channel, out: channel, dir: "/", wide: defaultWindow}
	sizes := make(chan window, 1)
	s.sizes = sizes
	started := make(chan uint32, 1)
	running := false
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	run := func(line string) {
		running = true
		h.wait.Go(func() { started <- s.session(ctx, line) })
	}
	for {
		select {
		case status := <-started:
			_, _ = channel.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, status))
			return
		case r, open := <-requests:
			if !open {
				cancel()
				return
			}
			ok := false
			switch r.Type {
			case "pty-req":
				if w, term, fine := readPTY(r.Payload); fine && !running {
					s.pty, s.wide, s.term, ok = true, w, term, true
				}
			case "window-change":
				if w, fine := readWindow(r.Payload); fine {
					select {
					case <-sizes:
					default:
					}
					sizes <- w
				}
			case "env":
				ok = false // nothing here asks the environment
			case "shell":
				if ok = !running; ok {
					run("")
				}
			case "exec":
				line, fine := readString(r.Payload)
				if ok = fine && !running; ok {
					run(line)
				}
			}
			if r.WantReply {
				_ = r.Reply(ok, nil)
			}
		case <-ctx.Done():
			_, _ = io.WriteString(channel, "\r\nThe rescue is over.\r\n")
			return
		}
	}
}

// maxWindow bounds a terminal's size.
const maxWindow = 1000

// readPTY reads a pty-req (RFC 4254, section 6.2).
func readPTY(b []byte) (w window, term string, ok bool) {
	term, ok = readString(b)
	if !ok || len(term) > 64 {
		return w, "", false
	}
	w, ok = readWindow(b[4+len(term):])
	return w, plain(term), ok
}

// readWindow reads the size at the head of a window-change (section 6.7).
func readWindow(b []byte) (window, bool) {
	if len(b) < 8 {
		return window{}, false
	}
	columns, rows := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if columns == 0 || rows == 0 {
		return defaultWindow, true
	}
	return window{uint16(min(columns, maxWindow)), uint16(min(rows, maxWindow))}, true
}

func readString(b []byte) (string, bool) {
	if len(b) < 4 {
		return "", false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return "", false
	}
	return string(b[4 : 4+n]), true
}
