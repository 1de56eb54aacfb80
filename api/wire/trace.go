package wire

import "time"

// Trace is the DHCP packets that one server has in memory.
type Trace struct {
	Server  string        `json:"server" doc:"Whose memory it is: each server on one database has its own, empty after a restart"`
	Packets []TracePacket `json:"packets" nullable:"false" doc:"Oldest first"`
}

// TracePacket is one of them.
type TracePacket struct {
	At    time.Time `json:"at"`
	MAC   string    `json:"mac"`
	Sent  bool      `json:"sent" doc:"By the server, else by the machine"`
	Type  string    `json:"type" doc:"DISCOVER, OFFER and so on, by IPv6 SOLICIT and so on"`
	XID   string    `json:"xid" doc:"By which question and answer belong together"`
	From  string    `json:"from"`
	To    string    `json:"to"`
	Bytes int       `json:"bytes"`
}
