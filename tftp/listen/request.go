package listen

import (
	"context"
	"errors"
	"net/netip"

	"rackwright/boot"
	"rackwright/tftp"
)

// question is a request and where it came from and in.
type question struct {
	tftp.Request
	peer netip.AddrPort
	at   local
}

// request answers a read or write request. One that was sent to everybody is not for us (RFC
// 1123 section 4.2.3.5).
func (s *Server) request(ctx context.Context, w *writer, b []byte, peer netip.AddrPort, at local) {
	if at.addr.IsMulticast() || at.addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return
	}
	r, err := tftp.ParseRequest(b)
	q := question{r, peer, at}
	switch {
	case err != nil:
		s.refuse(w, q, err)
	case r.Write:
		s.refuse(w, q, &tftp.Refusal{Code: tftp.Denied, Reason: "write", Told: "this server is read-only"})
	default:
		s.look(ctx, w, q)
	}
}

// look finds the file: in memory at once, else rendered while others are served.
func (s *Server) look(ctx context.Context, w *writer, q question) {
	if f, turn, ours := s.desk.again(q.peer, q.Name, s.Now()); ours {
		s.turn(&writer{port: f.port, buf: w.buf, oob: w.oob}, f, turn)
		return
	}
	file, err := s.Files.File(ctx, tftp.Ask{Name: q.Name, Peer: q.peer.Addr(), At: q.at.addr})
	if file != nil || err != nil || s.Rendered == nil {
		s.answer(w, q, file, err)
		return
	}
	select {
	case s.slow <- struct{}{}:
		go s.render(ctx, w.port, q)
	default:
		s.refuse(w, q, &tftp.Refusal{Reason: "busy", Told: "too many requests at once, try again"})
	}
}

// render asks for a file that may take its time. A request repeated meanwhile is asked
// twice, which is bounded too, and of the answers the last stands.
func (s *Server) render(ctx context.Context, front *port, q question) {
	defer func() { <-s.slow }()
	ctx, cancel := context.WithTimeout(ctx, rendering)
	defer cancel()
	file, err := s.Rendered.File(ctx, tftp.Ask{Name: q.Name, Peer: q.peer.Addr(), At: q.at.addr})
	s.answer(newWriter(front), q, file, err)
}

// answer begins the transfer of a file, or refuses.
func (s *Server) answer(w *writer, q question, file *tftp.File, err error) {
	switch {
	case err != nil:
	case file == nil && boot.Optional(q.Name):
		err = &tftp.Refusal{Code: tftp.NotFound, Reason: "optional", Told: "there is none, and the loader goes on without it"}
	case file == nil:
		err = &tftp.Refusal{Code: tftp.NotFound, Reason: "no-such-file", Told: "file not found"}
	case q.NetASCII:
		whole := file
		if file, err = whole.Translate(); err != nil {
			whole.Close()
		}
	}
	if err != nil {
		s.refuse(w, q, err)
		return
	}
	s.begin(w, q, file)
}

// begin admits a flight and sends its first message.
func (s *Server) begin(w *writer, q question, file *tftp.File) {
	f := &flight{file: file, peer: q.peer, asked: q.Name, known: s.View().HostAt(q.peer.Addr()) != nil, oob: q.at.from(w.port.conn)}
	f.transfer = tftp.NewTransfer(q.Request, file.Content, file.Size, mostBlock(q.peer, q.Block))
	turn, out, ok := s.desk.admit(f, s.Now())
	for _, old := range out {
		s.finish(old)
	}
	if !ok {
		file.Close()
		s.refuse(w, q, &tftp.Refusal{Reason: "busy", Told: "too many transfers at once, try again"})
		return
	}
	s.turn(&writer{port: f.port, buf: w.buf, oob: w.oob}, f, turn)
}

// refuse tells the client, and the journal.
func (s *Server) refuse(w *writer, q question, err error) {
	told := new(tftp.Refusal)
	if !errors.As(err, &told) {
		s.Log.Warn("tftp: a file could not be had", "peer", q.peer, "error", err)
		told = &tftp.Refusal{Reason: "failed", Told: "the server has failed, try again"}
	}
	_ = w.plain(tftp.AppendError(nil, told.Code, told.Told), q.peer, q.at.from(w.port.conn))
	s.refused(q, told)
}
