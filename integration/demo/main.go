// Command demo shows the main job on this machine: it starts the server and a rack of two
// simulated machines, one SeaBIOS and one OVMF, in namespaces of their own, and takes
// both from a rack plan to a running system with the public command alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rackwright/fault"
	"rackwright/integration/lab"
)

// options are the flags.
type options struct {
	cache, bin, out, listen string
	keep                    bool
}

func main() {
	var o options
	flag.StringVar(&o.cache, "cache", "", "`folder` with images/ and ramdisk/")
	flag.StringVar(&o.bin, "bin", "out/bin", "`folder` with the programs")
	flag.StringVar(&o.out, "out", "out", "`folder` for state and logs")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:8480", "with -keep: where this host reaches the API")
	flag.BoolVar(&o.keep, "keep", false, "leave it running until Ctrl-C")
	flag.Parse()
	os.Exit(run(o))
}

func run(o options) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !lab.Inside() {
		return outside(o)
	}
	err := inside(ctx, o)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "demo: interrupted; everything it started has ended")
		return 130
	}
	fmt.Fprintln(os.Stderr, "\ndemo: "+err.Error())
	if h := fault.HintOf(err); h != "" {
		fmt.Fprintln(os.Stderr, "hint: "+h)
	}
	return 1
}

// outside enters the lab's namespaces. With -keep it carries connections from this host's
// loopback to the API's socket, because the lab's network cannot be reached from here.
func outside(o options) int {
	if o.keep {
		l, err := net.Listen("tcp", o.listen)
		if err != nil {
			fmt.Fprintln(os.Stderr, "demo: "+err.Error()+"\nhint: stop what uses the port, or choose another with -listen")
			return 1
		}
		go carry(l, filepath.Join(o.out, "demo", "api.sock"))
	}
	code, err := lab.Enter(context.Background(), 20*time.Second)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo: "+err.Error())
		if h := fault.HintOf(err); h != "" {
			fmt.Fprintln(os.Stderr, "hint: "+h)
		}
	}
	return code
}

func carry(l net.Listener, socket string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			s, err := net.Dial("unix", socket)
			if err != nil {
				return
			}
			defer s.Close()
			go func() {
				io.Copy(s, c)
				s.(*net.UnixConn).CloseWrite()
			}()
			io.Copy(c, s)
		}()
	}
}

// inside runs the demo in the lab.
func inside(ctx context.Context, o options) error {
	if err := lab.Prepare(); err != nil {
		return err
	}
	began := time.Now()
	nodes := lab.Nodes()
	w, err := lab.NewWorld(filepath.Join(o.out, "demo"), o.bin, o.cache, lab.RackFile(nodes))
	if err != nil {
		return err
	}
	defer w.Stop()
	s := &show{ctx: ctx, w: w}
	for _, n := range nodes {
		s.names = append(s.names, n.Name)
	}
	if err := s.play(); err != nil {
		s.diagnose()
		return err
	}
	s.stageTable()
	fmt.Printf("\nBoth machines are active after %s. Logs and state: %s\n", time.Since(began).Round(time.Second), w.Dir)
	if o.keep {
		return keep(ctx, w, o.listen)
	}
	return nil
}

func keep(ctx context.Context, w *lab.World, listen string) error {
	fmt.Printf(`
It goes on running until Ctrl-C. The API: http://%s/api/v1/machines (token: %s)
In another terminal:

  export RACKWRIGHT_SERVER=http://%s RACKWRIGHT_TOKEN_FILE=%s PATH=$PATH:%s
  rackwright machine show node1
  rackwright machine timeline node1
  rackwright power node2 cycle && rackwright machine why node2
  rackwright deploy node1 --image debian --watch
  rackwright events --follow

`, listen, w.TokenFile(), listen, w.TokenFile(), w.Bin)
	<-ctx.Done()
	fmt.Println("ending ...")
	return nil
}

// say prints a heading.
func say(format string, args ...any) {
	fmt.Printf("\n\033[1m== %s\033[0m\n", fmt.Sprintf(format, args...))
}

func join(names []string) string { return strings.Join(names, " ") }
