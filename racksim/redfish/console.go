package redfish

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// replayed is how much of what was said before a session begins with, in bytes, as
// OpenBMC's console does.
const replayed = 4 << 10

// runConsole shows the machine's serial console over SSH (ComputerSystem v1.13,
// SerialConsole.SSH) on a port of its own, to one at a time, until ctx ends.
func (s *Service) runConsole(ctx context.Context, bmc net.Addr) {
	if s.Console == "" || s.Machine.BMC.Console == 0 {
		return
	}
	key, err := s.hostKey()
	if err != nil {
		s.Logger.Warn("no console over SSH", "bmc", s.String(), "error", err)
		return
	}
	host, _, _ := net.SplitHostPort(bmc.String())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(s.Machine.BMC.Console)))
	if err != nil {
		s.Logger.Warn("no console over SSH", "bmc", s.String(), "error", err)
		return
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	config := &ssh.ServerConfig{ServerVersion: "SSH-2.0-racksim", PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if ok, locked := s.accounts.check(c.User(), string(password)); !ok || locked || !s.speaks("SSH") {
			return nil, errors.New("refused")
		}
		return nil, nil
	}}
	config.AddHostKey(key)
	one := make(chan struct{}, consoleSessions)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.background(func(life context.Context) { s.attend(life, conn, config, one) })
	}
}

// hostKey is kept beside the BMC's other files, so that it stays the same.
func (s *Service) hostKey() (ssh.Signer, error) {
	file := filepath.Join(s.MediaDir, "ssh_host_key")
	text, err := os.ReadFile(file)
	if err == nil {
		return ssh.ParsePrivateKey(text)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "racksim")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

// attend is one connection. Whoever opens a shell in it while nobody else has one sees
// what the machine says from a little before then on.
func (s *Service) attend(ctx context.Context, conn net.Conn, config *ssh.ServerConfig, one chan struct{}) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(readTimeout))
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer server.Close()
	_ = conn.SetDeadline(time.Time{})
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		select {
		case one <- struct{}{}:
		default:
			_ = offered.Reject(ssh.ResourceShortage, "the console is in use")
			continue
		}
		channel, asks, err := offered.Accept()
		if err == nil {
			s.show(ctx, channel, asks)
		}
		<-one
	}
}

// show answers a session's requests and, once it has a shell, writes the console to it.
func (s *Service) show(ctx context.Context, channel ssh.Channel, asks <-chan *ssh.Request) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer channel.Close()
	go func() { _, _ = io.Copy(io.Discard, channel); cancel() }()
	shown := false
	done := make(chan struct{})
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case r, more := <-asks:
			if !more {
				return
			}
			shell := r.Type == "shell" && !shown
			if r.WantReply {
				_ = r.Reply(shell || r.Type == "pty-req", nil)
			}
			if shell {
				shown = true
				go func() { defer close(done); s.follow(ctx, channel) }()
			}
		}
	}
}

// follow writes what is added to the console's file. A file that was begun anew is read
// from its start.
func (s *Service) follow(ctx context.Context, to io.Writer) {
	at := int64(-1)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var err error
		if at, err = s.more(to, at); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Service) more(to io.Writer, at int64) (int64, error) {
	f, err := os.Open(s.Console)
	if err != nil {
		return 0, nil // the machine was never on
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return at, nil
	case at < 0:
		at = max(0, info.Size()-replayed)
	case info.Size() < at:
		at = 0
	}
	n, err := io.Copy(to, io.NewSectionReader(f, at, info.Size()-at))
	return at + n, err
}
