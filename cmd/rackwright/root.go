package main

import (
	"cmp"
	"context"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rackwright/api/client"
	"rackwright/fault"
)

// world is what the command sees of its surroundings.
type world struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	now      func() time.Time
	width    int  // of the terminal that err is, 0 when it is none
	columns  int  // of the terminal that out is, 0 when it is none
	asks     bool // in is a terminal

	server, tokenFile, format string   // global flags
	context                   string   // likewise, of a server that somebody is logged in to
	clientCert, clientKey     string   // likewise: files, what the command shows who it is with
	clear                     bool     // likewise: a token may go over http:// to another host
	reason                    string   // likewise, for the audit
	fields                    []string // likewise: what is shown of an answer
	noHeaders                 bool     // likewise
	over                      bool     // what a command showed goes no further: --watch ends
	tries                     bool     // --dry-run of a command that is tryable
}

func fromOS() *world {
	w := &world{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, now: time.Now, asks: term.IsTerminal(int(os.Stdin.Fd()))}
	if width, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil {
		w.width = max(width, 40)
	}
	if columns, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		w.columns = max(columns, 30)
	}
	return w
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, w *world, args []string) int {
	root := rootCommand(w)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	return report(w.err, err)
}

const rootLong = `Rackwright takes a server from a slot in a rack plan to a running operating system.

Every command but serve, ramdisk, loader import, bmc probe and bmc record asks a server: the one
of --server, --context, RACKWRIGHT_SERVER, RACKWRIGHT_CONTEXT, of the last login, or the one on this host.
The token is read from --token-file, RACKWRIGHT_TOKEN, RACKWRIGHT_TOKEN_FILE, what
'rackwright login' kept, or, when the server is on this host, from its admin.token. It goes
over http:// to another host only with --in-the-clear. A service shows --client-cert instead.

Exit status: 0 done; 1 internal error, or the work ended badly; 2 invalid request or
usage; 3 no such thing; 4 conflict; 5 denied; 6 no answer.`

const rootExample = `  rackwright plan -f rack.yaml
  rackwright apply -f rack.yaml
  rackwright image add debian-12 debian-12.qcow2
  rackwright deploy r1-u10 --image debian-12 --ssh-key ~/.ssh/id_ed25519.pub --watch
  rackwright machine why r1-u10`

func rootCommand(w *world) *cobra.Command {
	root := &cobra.Command{Use: "rackwright", Short: "Bare-metal provisioning", Long: rootLong, Example: rootExample,
		SilenceErrors: true, SilenceUsage: true, Args: cobra.ArbitraryArgs, RunE: subcommand}
	root.SetIn(w.in)
	root.SetOut(w.out)
	root.SetErr(w.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, "%s", err) })
	flags := root.PersistentFlags()
	flags.StringVar(&w.server, "server", "", "`address` of the server: http(s)://host:port or unix:///path (env RACKWRIGHT_SERVER; default "+defaultServer+")")
	flags.StringVar(&w.context, "context", "", "`name` of a server that you are logged in to (env RACKWRIGHT_CONTEXT)")
	flags.StringVar(&w.tokenFile, "token-file", "", "`file` with the token (env RACKWRIGHT_TOKEN or RACKWRIGHT_TOKEN_FILE)")
	flags.StringVar(&w.clientCert, "client-cert", "", "`file` with a client certificate, PEM, that says who you are instead of a token (env RACKWRIGHT_CLIENT_CERT)")
	flags.StringVar(&w.clientKey, "client-key", "", "`file` with its key; default: that of the certificate (env RACKWRIGHT_CLIENT_KEY)")
	flags.BoolVar(&w.clear, "in-the-clear", false, "send the token over http:// to another host: who is on the way can read it")
	w.outputFlags(flags)
	flags.StringVar(&w.reason, "reason", "", "`why` something is done, for the audit")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		return w.begins(c)
	}
	root.AddCommand(auditCommand(w), approvalCommand(w), dhcpCommand(w), bootCommand(w), serveCommand(w), tokenCommand(w), whoamiCommand(w), planCommand(w), applyCommand(w), exportCommand(w), machineCommand(w), deployCommand(w), previewCommand(w), templateCommand(w), inspectCommand(w), burnInCommand(w), rescueCommand(w), watchCommand(w), powerCommand(w), eraseCommand(w), certificateCommand(w), verifyCertificateCommand(w), bmcCommand(w),
		imageCommand(w), rolloutCommand(w), cacheCommand(w), loaderCommand(w), jobCommand(w), firmwareCommand(w), operationCommand(w), rackCommand(w), deviceCommand(w), modelCommand(w), projectCommand(w), networkCommand(w), siteCommand(w), partCommand(w), scanCommand(w), eventsCommand(w), webhookCommand(w), ramdiskCommand(w), versionCommand(w), importCommand(w), openapiCommand(w), schemaCommand(w),
		manCommand(w), loginCommand(w), logoutCommand(w), contextCommand(w))
	root.AddCommand(topics()...)
	completes(w, root)
	return root
}

// connect returns the client of the server the flags name.
func (w *world) connect() (*client.Client, error) {
	p, err := w.where()
	if err != nil {
		return nil, err
	}
	token, err := w.token()
	if err != nil {
		return nil, err
	}
	if w.prefersToken() {
		p.ClientCert, p.ClientKey = "", ""
	}
	c, err := p.client(token)
	if err == nil {
		c.Because(w.reason)
	}
	return c, err
}

// token finds the token: what was named must be there, what was not named may be.
func (w *world) token() (string, error) {
	secret, _, err := w.tokenFrom()
	return secret, err
}

// tokenFrom is token and the file it is in, "" when it is in none.
func (w *world) tokenFrom() (secret, file string, err error) {
	if w.tokenFile == "" && w.getenv("RACKWRIGHT_TOKEN") != "" {
		return strings.TrimSpace(w.getenv("RACKWRIGHT_TOKEN")), "", nil
	}
	if named := cmp.Or(w.tokenFile, w.getenv("RACKWRIGHT_TOKEN_FILE")); named != "" {
		text, err := os.ReadFile(named)
		if err != nil {
			return "", "", fault.Invalidf("read token: %w", err).WithHint("name a file you can read with --token-file, or set RACKWRIGHT_TOKEN")
		}
		return strings.TrimSpace(string(text)), named, nil
	}
	p, err := w.where()
	if err != nil {
		return "", "", err
	}
	if p.Token != "" || p.Helper != "" {
		secret, err := p.secret(context.Background())
		return secret, "", err
	}
	if !local(p.Server) {
		return "", "", nil
	}
	for _, dir := range w.stateDirs() {
		path := filepath.Join(dir, "admin.token")
		if text, err := os.ReadFile(path); err == nil {
			return strings.TrimSpace(string(text)), path, nil
		}
	}
	return "", "", nil
}

// local reports whether a server is on this host: only there goes its admin token.
func local(server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "unix" || u.Hostname() == "localhost" || (err == nil && ip.IsLoopback())
}

// stateDirs are where a server on this host keeps its state.
func (w *world) stateDirs() []string {
	dirs := []string{"/var/lib/rackwright"}
	if state := w.getenv("XDG_STATE_HOME"); state != "" {
		return append(dirs, filepath.Join(state, "rackwright"))
	}
	if home := w.getenv("HOME"); home != "" {
		dirs = append(dirs, filepath.Join(home, ".local", "state", "rackwright"))
	}
	return dirs
}

// subcommand is what a command that only holds others does.
func subcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	return usage(c, "there is no command %q", c.CommandPath()+" "+args[0])
}

// group is a command that only holds others. Its examples are the first of each of theirs.
func group(use, short string, aliases []string, commands ...*cobra.Command) *cobra.Command {
	var examples []string
	for _, sub := range commands {
		if first, _, _ := strings.Cut(sub.Example, "\n"); first != "" {
			examples = append(examples, first)
		}
	}
	c := &cobra.Command{Use: use, Short: short, Aliases: aliases, Args: cobra.ArbitraryArgs, RunE: subcommand, Example: strings.Join(examples, "\n")}
	c.AddCommand(commands...)
	return c
}

// names checks the number of arguments; at most -1 is any number.
func names(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || (most >= 0 && len(args) > most) {
			return usage(c, "wrong number of arguments: usage is %s", c.UseLine())
		}
		return nil
	}
}
