// Package redistest starts Redis servers for tests: real ones, on ports of
// their own, in folders of their own, that can be stopped, killed and started
// again with what they had on disk.
package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	program  = "redis-server"
	startFor = 20 * time.Second
	tries    = 5 // ports, since another process may take one first
)

// ErrMissing says that the program redis-server is not installed.
var ErrMissing = errors.New("redis-server is not installed (Debian: apt-get install redis-server)")

// Options say what a server is like. The zero value keeps nothing on disk.
type Options struct {
	// Fsync is "always" or "everysec" for an append-only file that is synced
	// so; "" for none.
	Fsync string
	// Dir is where it keeps its files. Default: a new folder, removed by Close.
	Dir string
	// Args are more settings, as on the command line: "--maxmemory", "1mb".
	Args []string
	// TLS lets it listen with TLS only.
	TLS *Certificates
	// Log gets what the server prints. Default: a file in Dir.
	Log io.Writer
}

// Server is a running redis-server. Its methods are for one goroutine.
type Server struct {
	opts   Options
	port   int
	ownDir bool

	sentinel bool

	cmd    *exec.Cmd
	exited chan struct{}
	log    *os.File
	mu     sync.Mutex
}

// Start starts a server on a free port of the loopback interface, and returns
// when it answers. An error is ErrMissing when the program is not there. Call
// Close when it is not needed any more.
func Start(o Options) (*Server, error) {
	if _, err := exec.LookPath(program); err != nil {
		return nil, ErrMissing
	}
	s := &Server{opts: o}
	if s.opts.Dir == "" {
		dir, err := os.MkdirTemp("", "muster-redis-")
		if err != nil {
			return nil, fmt.Errorf("make folder for redis: %w", err)
		}
		s.opts.Dir, s.ownDir = dir, true
	}
	var err error
	for range tries {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.Restart(); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, s.Close())
}

// Addr is its host and port, the same after every Restart.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is its address in the form of `store` and MUSTER_STORE.
func (s *Server) URL() string {
	if s.opts.TLS != nil {
		return "rediss://" + s.Addr() + "/0?ca=" + s.opts.TLS.CAFile
	}
	return "redis://" + s.Addr() + "/0"
}

// Dir is where it keeps its files; the append-only files are in appendonlydir.
func (s *Server) Dir() string { return s.opts.Dir }

// PID is its process, 0 when it does not run.
func (s *Server) PID() int {
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

func (s *Server) args() []string {
	if s.sentinel {
		return []string{filepath.Join(s.opts.Dir, "sentinel.conf"), "--sentinel"}
	}
	port := strconv.Itoa(s.port)
	args := []string{"--port", port, "--bind", "127.0.0.1", "--dir", s.opts.Dir, "--save", "", "--daemonize", "no", "--enable-debug-command", "yes"}
	if s.opts.Fsync != "" {
		args = append(args, "--appendonly", "yes", "--appendfsync", s.opts.Fsync)
	}
	if c := s.opts.TLS; c != nil {
		args[1] = "0"
		args = append(args, "--tls-port", port, "--tls-cert-file", c.CertFile, "--tls-key-file", c.KeyFile,
			"--tls-ca-cert-file", c.CAFile, "--tls-auth-clients", "no")
	}
	return append(args, s.opts.Args...)
}

// Restart starts a server that was stopped or killed, on the same port and with
// the files that it left, and returns when it answers.
func (s *Server) Restart() error {
	if s.cmd != nil {
		return errors.New("restart redis: it runs")
	}
	out := s.opts.Log
	if out == nil {
		log, err := os.OpenFile(filepath.Join(s.opts.Dir, "redis.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("open log of redis: %w", err)
		}
		s.log, out = log, log
	}
	cmd := exec.Command(program, s.args()...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = sysProcAttr()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start redis: %w", err)
	}
	s.cmd, s.exited = cmd, make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(s.exited)
	}()
	if err := s.await(); err != nil {
		s.Kill()
		return fmt.Errorf("start redis on %s, see %s/redis.log: %w", s.Addr(), s.opts.Dir, err)
	}
	return nil
}

// await waits until the server answers a PING.
func (s *Server) await() error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	err := errors.New("no answer")
	for until := time.Now().Add(startFor); time.Now().Before(until); {
		select {
		case <-s.exited:
			return errors.New("it ended at once")
		case <-tick.C:
		}
		var answer string
		if answer, err = s.Do("PING"); err == nil && answer == "PONG" {
			return nil
		}
	}
	return err
}

// Do sends one command without spaces in its words, and returns a one-line
// answer of the server. It is for what tests do to a server, such as DEBUG or
// SHUTDOWN.
func (s *Server) Do(words ...string) (string, error) {
	conn, err := s.dial()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", strings.Join(words, " ")); err != nil {
		return "", err
	}
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	switch line = strings.TrimRight(line, "\r\n"); {
	case strings.HasPrefix(line, "-"):
		return "", errors.New(line[1:])
	case strings.HasPrefix(line, "$") && line != "$-1":
		n, err := strconv.Atoi(line[1:])
		if err != nil || n > 1<<20 {
			return "", fmt.Errorf("answer %q", line)
		}
		body := make([]byte, n)
		_, err = io.ReadFull(in, body)
		return string(body), err
	case line == "":
		return "", errors.New("empty answer")
	}
	return line[1:], nil
}

// Stop ends the server in an orderly way: its files are complete.
func (s *Server) Stop() error { return s.end(syscall.SIGTERM) }

// Kill ends the server by SIGKILL. What it had written to its files is there.
func (s *Server) Kill() { _ = s.end(syscall.SIGKILL) }

// Freeze stops the process without ending it, until Thaw: connections stay
// open, and nothing answers.
func (s *Server) Freeze() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

func (s *Server) end(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	var err error
	if err = s.cmd.Process.Signal(sig); errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	select {
	case <-s.exited:
	case <-time.After(startFor):
		err = errors.New("stop redis: it did not end, and was killed")
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	s.cmd = nil
	if s.log != nil {
		_ = s.log.Close()
		s.log = nil
	}
	return err
}

// Close kills the server and removes the folder that Start made.
func (s *Server) Close() error {
	s.Kill()
	if s.ownDir {
		return os.RemoveAll(s.opts.Dir)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
