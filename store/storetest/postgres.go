package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNoPostgres says that this machine has no PostgreSQL to start; tests skip with it.
var ErrNoPostgres = errors.New("no PostgreSQL server program found: apt install postgresql")

// Server is a PostgreSQL of the tests' own: a new cluster in a temporary folder, reached
// by its socket there alone, without fsync, and ended with the process that started it.
type Server struct {
	dir  string
	pid  int
	done chan struct{}
}

// Postgres starts a Server. ErrNoPostgres: there is none to start. Whoever calls it calls
// Stop; should the process die before that, the kernel ends the server.
func Postgres(ctx context.Context) (*Server, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rw-pg-")
	if err != nil {
		return nil, err
	}
	if len(dir) > 80 { // a socket's path has at most 107 bytes
		os.Remove(dir)
		if dir, err = os.MkdirTemp("/tmp", "rw-pg-"); err != nil {
			return nil, err
		}
	}
	s := &Server{dir: dir, done: make(chan struct{})}
	if err := s.start(ctx, bin); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, bin string) error {
	as, err := otherThanRoot(s.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8")
	initdb.Dir, initdb.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte("local all locked scram-sha-256\nlocal all all trust\n"), 0o600); err != nil {
		return err
	}
	if err := s.serve(bin, data, as); err != nil {
		return err
	}
	return s.ready(ctx)
}

// serve starts the server from a goroutine that keeps its thread: the kernel sends the
// parent's death signal when that thread ends.
func (s *Server) serve(bin, data string, as *syscall.Credential) error {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", s.dir, "-h", "",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum=off",
		"-c", "shared_buffers=32MB", "-c", "max_connections=300", "-c", "deadlock_timeout=200ms")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGQUIT, Setpgid: true}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			s.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			cmd.Wait()
		}
		close(s.done)
	}()
	return <-started
}

// ready waits until the server answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", s.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for db.PingContext(ctx) != nil {
		select {
		case <-tick.C:
		case <-s.done:
			return fmt.Errorf("PostgreSQL ended at its start: %s", s.log())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL is not ready: %s", s.log())
		}
	}
	return nil
}

func (s *Server) log() string {
	f, err := os.Open(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 4096))
	return string(b)
}

// DSN is the address of one of the server's databases.
func (s *Server) DSN(database string) string {
	return "postgres://postgres@/" + database + "?host=" + s.dir
}

// Stop ends the server, by its process id, and removes all it wrote.
func (s *Server) Stop() {
	s.end(syscall.SIGQUIT)
	os.RemoveAll(s.dir)
}

// Halt breaks all connections, ends the server and keeps what was committed, so that it
// can Resume.
func (s *Server) Halt() { s.end(syscall.SIGINT) }

func (s *Server) end(how syscall.Signal) {
	if s.pid == 0 {
		return
	}
	syscall.Kill(s.pid, how)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		syscall.Kill(s.pid, syscall.SIGKILL)
		<-s.done
	}
	s.pid = 0
}

// Resume starts a halted server again and returns when it answers.
func (s *Server) Resume(ctx context.Context) error {
	bin, err := postgresBin()
	if err != nil {
		return err
	}
	as, err := otherThanRoot(s.dir)
	if err != nil {
		return err
	}
	s.done = make(chan struct{})
	if err := s.serve(bin, filepath.Join(s.dir, "data"), as); err != nil {
		return err
	}
	return s.ready(ctx)
}

// postgresBin finds the newest server's programs: Debian keeps them out of the PATH.
func postgresBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	sort.Slice(found, func(i, j int) bool { return major(found[i]) > major(found[j]) })
	if len(found) > 0 {
		return filepath.Dir(found[0]), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", ErrNoPostgres
}

func major(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// otherThanRoot gives dir to a user PostgreSQL consents to run as; nil when we are one.
func otherThanRoot(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}
