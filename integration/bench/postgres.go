package main

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"rackwright/fault"
	"rackwright/integration/lab"
)

// cluster is a PostgreSQL of the bench's own, as it comes: with fsync.
type cluster struct {
	bin    string // folder of its programs
	dir    string
	cmd    *exec.Cmd
	exited chan struct{}
}

// startCluster makes a new cluster and starts it. Whatever happens, it ends with the
// namespaces of the lab.
func startCluster(ctx context.Context) (*cluster, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return nil, fault.NotFoundf("there is no PostgreSQL to measure").WithHint("apt install postgresql")
	}
	as, err := user.Lookup("postgres")
	if err != nil {
		return nil, fault.NotFoundf("there is no user postgres").WithHint("apt install postgresql")
	}
	uid, _ := strconv.Atoi(as.Uid)
	gid, _ := strconv.Atoi(as.Gid)
	c := &cluster{bin: filepath.Dir(slices.Max(found)), exited: make(chan struct{})}
	if c.dir, err = os.MkdirTemp("/var/tmp", "rw-bench-pg-"); err != nil {
		return nil, err
	}
	if err := os.Chown(c.dir, uid, gid); err != nil {
		return nil, err
	}
	who := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, Setpgid: true}
	initdb := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), "-D", c.dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8")
	initdb.Dir, initdb.SysProcAttr = c.dir, who
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fault.Internalf("initdb: %w: %s", err, out)
	}
	c.cmd = exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.dir+"/data", "-k", c.dir, "-h", "")
	c.cmd.Dir, c.cmd.SysProcAttr = c.dir, who
	if err := c.cmd.Start(); err != nil {
		return nil, fault.Internalf("start PostgreSQL: %w", err)
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.exited)
	}()
	return c, c.ready(ctx)
}

func (c *cluster) ready(ctx context.Context) error {
	return lab.Until(ctx, 30*time.Second, "PostgreSQL answering", func() (bool, error) {
		select {
		case <-c.exited:
			return false, fault.Internalf("PostgreSQL ended (%s)", c.cmd.ProcessState)
		default:
			return exec.CommandContext(ctx, filepath.Join(c.bin, "pg_isready"), "-h", c.dir).Run() == nil, nil
		}
	})
}

// end stops the server and removes all it wrote.
func (c *cluster) end() {
	c.cmd.Process.Signal(syscall.SIGINT)
	<-c.exited
	os.RemoveAll(c.dir)
}

// create makes an empty database and returns its address.
func (c *cluster) create(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(c.bin, "createdb"), "-h", c.dir, "-U", "postgres", name).CombinedOutput()
	if err != nil {
		return "", fault.Internalf("createdb: %w: %s", err, out)
	}
	return "postgres://postgres@/" + name + "?host=" + c.dir, nil
}

// settle has what a great import leaves behind done now: tables vacuumed and counted, pages
// written to their files. PostgreSQL does the same by itself in the minutes after it.
func (c *cluster) settle(ctx context.Context, name string) error {
	for _, statement := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		out, err := exec.CommandContext(ctx, filepath.Join(c.bin, "psql"), "-h", c.dir, "-U", "postgres", "-d", name, "-qc", statement).CombinedOutput()
		if err != nil {
			return fault.Internalf("%s: %w: %s", statement, err, out)
		}
	}
	return nil
}
