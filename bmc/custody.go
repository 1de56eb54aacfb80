package bmc

import (
	"context"
	"time"
)

// Account is a user of the BMC.
type Account struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Role    string `json:"role" doc:"Administrator, Operator, ReadOnly, or the vendor's own"`
	Enabled bool   `json:"enabled"`
	Locked  bool   `json:"locked,omitempty"`
}

// Clock is what the BMC takes for the time.
type Clock struct {
	Time    time.Time     `json:"time"`
	Off     time.Duration `json:"off_ns" doc:"How far it is ahead of us"`
	Servers []string      `json:"ntp_servers,omitempty" nullable:"false"`
	NTP     bool          `json:"ntp"`
}

// Protocol is a service that the BMC offers on the network.
type Protocol struct {
	Name string `json:"name" doc:"ipmi, ssh, https, http, snmp, telnet, kvm, virtual-media"`
	On   bool   `json:"on"`
	Port int    `json:"port,omitempty"`
}

// Console is how to reach a machine's serial console through its BMC.
type Console struct {
	Kinds   []string `json:"kinds" nullable:"false" doc:"ssh, ipmi, telnet, websocket"`
	On      bool     `json:"on"`
	Command string   `json:"command,omitempty" doc:"What to run, e.g. ssh -p 2200 user@host"`
	Most    int      `json:"most,omitempty" doc:"Sessions at a time"`
}

// Place is where the machine stands, as written into the BMC.
type Place struct {
	Site string `json:"site,omitempty"`
	Room string `json:"room,omitempty"`
	Row  string `json:"row,omitempty"`
	Rack string `json:"rack,omitempty"`
	Unit int    `json:"unit,omitempty" doc:"Lowest; 0: not known"`
}

// SignRequest makes a certificate of a signing request, both PEM.
type SignRequest func(csr []byte) (chain []byte, err error)

// Custodian looks after the BMC itself.
type Custodian interface {
	// Accounts lists the users; empty slots are left out.
	Accounts(ctx context.Context) ([]Account, error)
	// CreateAccount makes an enabled user. One of that name is a Conflict.
	CreateAccount(ctx context.Context, name, password, role string) error
	// SetPassword changes a user's password. It does not prove it: dial anew to do so. A
	// password the BMC finds too weak or long is Invalid.
	SetPassword(ctx context.Context, name, password string) error
	// DisableAccount keeps a user from logging in. Our own is a Conflict.
	DisableAccount(ctx context.Context, name string) error
	// Protocols lists the services, where the BMC tells.
	Protocols(ctx context.Context) ([]Protocol, error)
	// SetProtocol switches one on or off; https is a Conflict.
	SetProtocol(ctx context.Context, name string, on bool) error
	// Clock reads the time.
	Clock(ctx context.Context) (Clock, error)
	// SetClock makes the BMC follow the NTP servers, or sets its time to ours when there
	// are none.
	SetClock(ctx context.Context, servers []string) error
	// ReplaceCertificate has the BMC make a key and installs the certificate that sign
	// gives for it. The next Dial sees it.
	ReplaceCertificate(ctx context.Context, sign SignRequest) error
	// Console says how the serial console is reached.
	Console(ctx context.Context) (Console, error)
	// Place reads where the BMC thinks it is.
	Place(ctx context.Context) (Place, error)
	// SetPlace writes it, where the BMC lets us.
	SetPlace(ctx context.Context, p Place) error
}
