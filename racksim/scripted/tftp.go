package scripted

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
)

// TFTP as firmware speaks it (RFC 1350, 2347, 2348). A client of our own, because a
// library's buffers of 128 KiB a transfer are too much for a thousand at once, and it
// must end at once when the power goes.
const (
	opRead, opData, opAck, opError, opOptions = 1, 3, 4, 5, 6

	tftpBlock = 1456 // bytes, what fits an Ethernet frame
	tftpTries = 5    // of one block
	tftpWait  = time.Second
	maxLoader = 64 << 20
)

// fetchTFTP reads a file and returns how many bytes it has.
func fetchTFTP(ctx context.Context, from netip.Addr, server netip.AddrPort, file string) (int64, error) {
	local := &net.UDPAddr{}
	if from.IsValid() {
		local.IP = from.AsSlice()
	}
	conn, err := net.ListenUDP("udp4", local)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	t := &transfer{conn: conn, peer: server, buf: make([]byte, 4+tftpBlock+512), block: 512, tftpPort: server.Port()}
	n, err := t.run(readRequest(file))
	return n, errors.Join(err, ctx.Err())
}

func readRequest(file string) []byte {
	b := []byte{0, opRead}
	for _, s := range []string{file, "octet", "blksize", strconv.Itoa(tftpBlock), "tsize", "0"} {
		b = append(append(b, s...), 0)
	}
	return b
}

// transfer is one file on its way.
type transfer struct {
	conn     *net.UDPConn
	peer     netip.AddrPort // after the first answer: the port it came from (RFC 1350 section 4)
	tftpPort uint16
	buf      []byte
	block    int // agreed block size
	got      int64
	next     uint16
}

// run sends what is due and takes what comes until the last block.
func (t *transfer) run(due []byte) (int64, error) {
	t.next = 1
	for t.got <= maxLoader {
		packet, err := t.exchange(due)
		if err != nil {
			return t.got, err
		}
		switch op := binary.BigEndian.Uint16(packet); op {
		case opOptions:
			if t.got > 0 || t.next != 1 {
				continue
			}
			if t.block, err = agreed(packet[2:]); err != nil {
				return 0, err
			}
			due = []byte{0, opAck, 0, 0}
		case opData:
			data := packet[4:]
			t.got += int64(len(data))
			due = []byte{0, opAck, packet[2], packet[3]}
			t.next++
			if len(data) < t.block {
				_, err := t.conn.WriteToUDPAddrPort(due, t.peer)
				return t.got, err
			}
		}
	}
	return t.got, fmt.Errorf("the file is larger than %d bytes", maxLoader)
}

// exchange sends and returns the next packet that belongs to the transfer.
func (t *transfer) exchange(due []byte) ([]byte, error) {
	for range tftpTries {
		if _, err := t.conn.WriteToUDPAddrPort(due, t.peer); err != nil {
			return nil, err
		}
		if err := t.conn.SetReadDeadline(time.Now().Add(tftpWait)); err != nil {
			return nil, err
		}
		for {
			n, from, err := t.conn.ReadFromUDPAddrPort(t.buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return nil, err
			}
			packet, mine, err := t.belongs(t.buf[:n], from)
			if mine || err != nil {
				return packet, err
			}
		}
	}
	return nil, fmt.Errorf("the TFTP server does not answer")
}

// belongs tells packets of this transfer from strays and repetitions.
func (t *transfer) belongs(p []byte, from netip.AddrPort) (packet []byte, mine bool, err error) {
	if from.Addr() != t.peer.Addr() || (t.peer.Port() != t.tftpPort && from.Port() != t.peer.Port()) || len(p) < 4 {
		return nil, false, nil
	}
	switch binary.BigEndian.Uint16(p) {
	case opError:
		text, _, _ := bytes.Cut(p[4:], []byte{0})
		return nil, false, fmt.Errorf("the TFTP server refuses: %q", text)
	case opOptions:
		mine = t.next == 1 && t.peer.Port() == t.tftpPort
	case opData:
		mine = binary.BigEndian.Uint16(p[2:]) == t.next && len(p)-4 <= t.block
	}
	if mine {
		t.peer = from
	}
	return p, mine, nil
}

// agreed reads the block size out of an option acknowledgement.
func agreed(b []byte) (int, error) {
	fields := bytes.Split(b, []byte{0})
	for i := 0; i+1 < len(fields); i += 2 {
		if string(bytes.ToLower(fields[i])) != "blksize" {
			continue
		}
		if n, err := strconv.Atoi(string(fields[i+1])); err == nil && n >= 8 && n <= tftpBlock {
			return n, nil
		}
		return 0, fmt.Errorf("the TFTP server wants blocks of %q bytes", fields[i+1])
	}
	return 512, nil
}
