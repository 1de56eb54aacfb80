package main

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"rackwright/boot"
	"rackwright/fault"
	"rackwright/integration/lab"
	"rackwright/journal"
	"rackwright/tftp"
	tftplisten "rackwright/tftp/listen"
)

// tftpPort is where each of the servers listens in turn, on loopback.
const tftpPort = 69

// sender is a TFTP server that sends the files of a folder. A windowless one knows no
// windowsize.
type sender struct {
	name       string
	windowless bool
	forks      bool // its processor time is not counted
	command    func(dir string) []string
}

func ourSender() sender {
	return sender{name: "rackwright", command: func(dir string) []string {
		self, _ := os.Executable()
		return []string{self, "-part", "tftp-server", "-out", dir}
	}}
}

// senders are the peers, as their manuals have them send a folder.
func senders() []sender {
	return []sender{
		{"dnsmasq", true, false, func(dir string) []string {
			return []string{"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=", "--quiet-tftp",
				"--interface=lo", "--listen-address=127.0.0.1", "--bind-interfaces", "--enable-tftp", "--tftp-root=" + dir, "--tftp-max=300"}
		}},
		{"atftpd", false, false, func(dir string) []string {
			return []string{"atftpd", "--daemon", "--no-fork", "--bind-address", "127.0.0.1", "--user", "root.root", "--maxthread", "300", "--logfile", filepath.Join(dir, "atftpd.log"), dir}
		}},
		{"tftpd-hpa", true, true, func(dir string) []string {
			return []string{hpa(), "-L", "--address", "127.0.0.1:" + strconv.Itoa(tftpPort), "--secure", "--user", "root", dir}
		}},
	}
}

// hpa is tftpd-hpa's program; the package is not to be had beside atftpd, whose program may
// have the same name.
func hpa() string {
	if p := os.Getenv("TFTPD_HPA"); p != "" {
		return p
	}
	return "in.tftpd"
}

// there reports whether a peer is installed.
func (s sender) there() bool {
	program := s.command("")[0]
	if _, err := exec.LookPath(program); err != nil {
		return false
	}
	if s.name != "tftpd-hpa" {
		return true
	}
	out, _ := exec.Command(program, "-V").CombinedOutput()
	return len(out) > 8 && string(out[:8]) == "tftp-hpa"
}

// startSender starts a server and waits until it sends.
func startSender(ctx context.Context, b *bench, s sender, dir string) (*process, error) {
	if !s.there() {
		return nil, fault.NotFoundf("%s is not installed", s.name).WithHint("apt-get install dnsmasq-base atftpd")
	}
	logs, err := fresh(filepath.Join(b.out, "bench", "tftp-"+s.name))
	if err != nil {
		return nil, err
	}
	p, err := startProcess(ctx, logs, nil, s.command(dir)...)
	if err != nil {
		return nil, err
	}
	err = lab.Until(ctx, 10*time.Second, s.name+" sending", func() (bool, error) {
		_, err := tftpFetch(ctx, b, tftpLoad{File: "tiny", Size: 100, Block: 1468, Clients: 1, Port: tftpPort})
		return err == nil, p.alive()
	})
	if err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// cpu is the processor time a process took, once it ended.
func (p *process) cpu() float64 {
	return (p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()).Seconds()
}

// tftpShelf sends the files of a folder, read once.
type tftpShelf map[string]*tftp.File

func (f tftpShelf) File(_ context.Context, a tftp.Ask) (*tftp.File, error) { return f[a.Name], nil }

// tftpServer is our server as a process of its own, with the journal on.
func tftpServer(ctx context.Context, b *bench) error {
	files := tftpShelf{}
	for _, name := range tftpFiles() {
		text, err := os.ReadFile(filepath.Join(b.out, name))
		if err != nil {
			return err
		}
		files[name] = tftp.Text(name, string(text))
	}
	view := boot.NewView(1, nil, nil)
	s := &tftplisten.Server{View: func() *boot.View { return view }, Files: files, Journal: forgetful{}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Port: tftpPort, Host: "127.0.0.1"}
	return s.Run(ctx)
}

// forgetful is a journal that keeps nothing.
type forgetful struct{}

func (forgetful) Record(journal.Event) {}
