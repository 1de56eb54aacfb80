// Package config is the server's one strict TOML file: keys, defaults and rules. It
// opens no database and no socket.
package config

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Config is the file; reference.toml documents each key.
type Config struct {
	StateDir             string   `toml:"state_dir"`
	Database             Database `toml:"database"`
	DatabasePasswordFile string   `toml:"database_password_file"`
	SealKeyFile          string   `toml:"seal_key_file"`
	PublicHost           string   `toml:"public_host"`
	Log                  Log      `toml:"log"`
	API                  API      `toml:"api"`
	Access               Access   `toml:"access"`
	OIDC                 OIDC     `toml:"oidc"`
	DHCP                 DHCP     `toml:"dhcp"`
	TFTP                 TFTP     `toml:"tftp"`
	HTTP                 Listener `toml:"http"`
	Agent                Listener `toml:"agent"`
	Worker               Worker   `toml:"worker"`
	BMC                  BMC      `toml:"bmc"`
	Boot                 Boot     `toml:"boot"`
	Images               Images   `toml:"images"`
	Cache                Cache    `toml:"cache"`
	Webhooks             Webhooks `toml:"webhooks"`
}

// Log is how the server logs, to standard error.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn, error
	Format string `toml:"format"` // text, json
}

// API is the interface for people and programs.
type API struct {
	Enabled bool   `toml:"enabled"`
	Listen  string `toml:"listen"` // host:port, or unix:/path
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`

	ClientCA string `toml:"client_ca"` // PEM bundle; empty: no certificate counts
	Limits   Limits `toml:"limits"`
}

// OwnTLS reports whether the API makes its own certificate.
func (a API) OwnTLS() bool {
	return a.TLSCert == "" && !strings.HasPrefix(a.Listen, "unix:") && !isLoopback(a.Listen)
}

// OIDC is the provider that people log in by.
type OIDC struct {
	Issuer           string   `toml:"issuer"` // empty: nobody logs in
	ClientID         string   `toml:"client_id"`
	ClientSecretFile string   `toml:"client_secret_file"`
	CA               string   `toml:"ca"` // PEM bundle; empty: the system's
	Scopes           []string `toml:"scopes"`
	NameClaim        string   `toml:"name_claim"`
	GroupsClaim      string   `toml:"groups_claim"`
	SessionHours     int      `toml:"session_hours"`
	Groups           []Group  `toml:"groups"` // the first that a person is in counts
}

// Group is what people of a group of the provider may do.
type Group struct {
	Group    string   `toml:"group"`
	Role     string   `toml:"role"`
	Sites    []string `toml:"sites"`
	Racks    []string `toml:"racks"`
	Projects []string `toml:"projects"`
}

// Limits are how often the API may be asked, and how much at once; 0 is no limit.
type Limits struct {
	PerAddress   float64 `toml:"requests_per_address"`    // a second
	PerCaller    float64 `toml:"requests_per_caller"`     // a second
	Streams      int     `toml:"streams_per_caller"`      // at once
	Connections  int     `toml:"connections"`             // open at once, of all callers
	OfOneAddress int     `toml:"connections_per_address"` // open at once, of one address that is not this host's
	Wrong        int     `toml:"wrong_tokens"`            // from one address, until it has to wait
}

// Access bounds what callers may do.
type Access struct {
	TwoPersonsOver int `toml:"two_persons_over"` // machines; 0: never
}

// DHCP answers machines on declared networks.
type DHCP struct {
	Enabled    bool     `toml:"enabled"`
	Interfaces []string `toml:"interfaces"` // empty: every one with an address in a declared network
	TraceMiB   int      `toml:"trace_mib"`  // memory for the last packets of each machine; 0: none are kept
	ProbeMS    int      `toml:"probe_ms"`   // how long one who uses an address has to say so before it is lent; 0: nobody is asked
}

// Listener is a service on one address.
type Listener struct {
	Enabled bool   `toml:"enabled"`
	Listen  string `toml:"listen"` // host:port; an empty host is every address
}

// TFTP serves loaders to firmware that has no HTTP.
type TFTP struct {
	Enabled    bool   `toml:"enabled"`
	Listen     string `toml:"listen"`      // host:port, UDP; an empty host is every address
	SinglePort bool   `toml:"single_port"` // transfers too leave from that port
}

// Worker moves operations.
type Worker struct {
	Enabled     bool `toml:"enabled"`
	Concurrency int  `toml:"concurrency"` // operations at a time
}

// BMC is what the server does at management controllers by itself.
type BMC struct {
	Claim  string `toml:"claim"`  // ask, auto
	Events bool   `toml:"events"` // subscribe where a BMC offers it
}

// Boot is what machines netboot into.
type Boot struct {
	RamdiskDir  string `toml:"ramdisk_dir"`
	LoaderDir   string `toml:"loader_dir"`
	KernelArgs  string `toml:"kernel_args"`  // appended to the agent's kernel command line
	HTTPSListen string `toml:"https_listen"` // of HTTP boot with TLS; empty: there is none
}

// Images is the image store.
type Images struct {
	Dir       string `toml:"dir"`
	Encrypted bool   `toml:"encrypted"` // chunks only over the agents' TLS

	ImportDirs       []string `toml:"import_dirs"`       // below which files of this host may be imported
	TrustedKeys      []string `toml:"trusted_keys"`      // files of public keys
	RequireSignature bool     `toml:"require_signature"` // nothing comes in without one by a trusted key
	RegistryAuth     string   `toml:"registry_auth"`     // a docker config.json; empty: none
}

// Cache keeps chunks of another server's images near the machines.
type Cache struct {
	Upstream string `toml:"upstream"` // http://host:port; empty: no cache
	Dir      string `toml:"dir"`
	MaxGiB   int    `toml:"max_gib"`
	Rack     string `toml:"rack"` // where this server stands; empty: unknown
}

// Webhooks is where deliveries may go.
type Webhooks struct {
	AllowPrivate  bool `toml:"allow_private"`  // RFC 1918 and fc00::/7
	AllowLoopback bool `toml:"allow_loopback"` // this host itself
}

// Default is the configuration without a file, paths filled in.
func Default() Config {
	c := defaults(stateDir(os.Geteuid(), os.Getenv))
	c.fillPaths()
	return c
}

func defaults(state string) Config {
	return Config{
		StateDir: state,
		Log:      Log{Level: "info", Format: "text"},
		API:      API{Enabled: true, Listen: "127.0.0.1:8480", Limits: Limits{PerAddress: 5000, PerCaller: 2000, Streams: 1000, Connections: 20_000, OfOneAddress: 2000, Wrong: 10}},
		OIDC:     OIDC{Scopes: []string{"openid", "profile", "email", "groups"}, NameClaim: "preferred_username", GroupsClaim: "groups", SessionHours: 8, Groups: []Group{}},
		DHCP:     DHCP{Enabled: true, Interfaces: []string{}, TraceMiB: 16, ProbeMS: 300},
		TFTP:     TFTP{Enabled: true, Listen: ":69"},
		HTTP:     Listener{Enabled: true, Listen: ":8080"},
		Agent:    Listener{Enabled: true, Listen: ":8443"},
		Worker:   Worker{Enabled: true, Concurrency: 16},
		BMC:      BMC{Claim: "ask", Events: true},
		Cache:    Cache{MaxGiB: 200},
		Webhooks: Webhooks{AllowPrivate: true},
		Images:   Images{ImportDirs: []string{}, TrustedKeys: []string{}},
	}
}

// stateDir follows the XDG Base Directory Specification for everyone but root.
func stateDir(uid int, getenv func(string) string) string {
	switch {
	case uid == 0:
		return "/var/lib/rackwright"
	case filepath.IsAbs(getenv("XDG_STATE_HOME")):
		return filepath.Join(getenv("XDG_STATE_HOME"), "rackwright")
	case getenv("HOME") != "":
		return filepath.Join(getenv("HOME"), ".local/state/rackwright")
	}
	return "/var/lib/rackwright"
}

// fillPaths puts what was left empty under the state directory.
func (c *Config) fillPaths() {
	for name, p := range map[string]*string{"seal.key": &c.SealKeyFile, "ramdisk": &c.Boot.RamdiskDir, "loaders": &c.Boot.LoaderDir, "images": &c.Images.Dir, "cache": &c.Cache.Dir} {
		if *p == "" {
			*p = filepath.Join(c.StateDir, name)
		}
	}
}

// String prints the configuration as TOML, without passwords.
func (c Config) String() string {
	c.Database = Database(c.Database.String()) // the encoder asks no method of a string
	var b strings.Builder
	if err := toml.NewEncoder(&b).Encode(c); err != nil {
		return "configuration cannot be printed: " + err.Error()
	}
	return b.String()
}

// Reference is the documented file with every key at its default.
func Reference() string { return reference }

//go:embed reference.toml
var reference string
