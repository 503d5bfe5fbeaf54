package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// program is a banyan and its working folder, which has no banyan.yaml.
type program struct{ path, folder string }

// newProgram builds banyan from the folder above, unless it is given.
func newProgram(ctx context.Context, folder, given string) (program, error) {
	if given != "" {
		path, err := filepath.Abs(given)
		return program{path: path, folder: folder}, err
	}
	p := program{path: filepath.Join(folder, "banyan"), folder: folder}
	build := exec.CommandContext(ctx, "go", "build", "-pgo=bench/banyan.pgo", "-trimpath", "-ldflags", "-s -w", "-o", p.path, ".") //nolint:gosec // our own program
	build.Dir, build.Stderr = "..", os.Stderr
	if err := build.Run(); err != nil {
		return p, fmt.Errorf("build banyan: %w", err)
	}
	return p, nil
}

// command is the program with arguments and settings, on one hash engine. The
// settings in the environment of the bench are not passed on.
func (p program) command(ctx context.Context, e engine, settings []string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.path, args...) //nolint:gosec // the program that is measured
	c.Dir, c.Stderr = p.folder, os.Stderr
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "BANYAN_") {
			c.Env = append(c.Env, pair)
		}
	}
	c.Env = append(append(c.Env, "BANYAN_KECCAK="+e.Name()), settings...)
	return c
}

// usage is what a command used.
type usage struct {
	memory float64       // maximum, in MiB
	used   time.Duration // CPU time
}

// run runs a command that prints JSON.
func (p program) run(ctx context.Context, e engine, printed any, args ...string) (u usage, err error) {
	c := p.command(ctx, e, nil, args...)
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Start(); err != nil {
		return u, err
	}
	ended, seen := make(chan struct{}), make(chan float64)
	go func() { seen <- maxMemory(c.Process.Pid, ended) }()
	err = c.Wait()
	close(ended)
	u.memory = <-seen
	if err != nil {
		return u, fmt.Errorf("banyan %v: %w", args, err)
	}
	u.used = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return u, json.Unmarshal(out.Bytes(), printed)
}

// maxMemory watches a process until it has ended and returns its maximum of memory, in
// MiB; 0 without /proc. The system's own figure for an ended process includes the
// memory of the process that started it.
func maxMemory(pid int, ended <-chan struct{}) (most float64) {
	for {
		select {
		case <-ended:
			return most
		case <-time.After(2 * time.Millisecond):
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		_, after, found := strings.Cut(string(status), "VmHWM:")
		fields := strings.Fields(after)
		if !found || len(fields) == 0 {
			continue
		}
		if kib, err := strconv.ParseFloat(fields[0], 64); err == nil {
			most = max(most, kib/1024)
		}
	}
}

// process is a running server.
type process struct {
	pid   int
	url   string
	admin string
	kill  context.CancelFunc
	done  chan struct{} // closed when it has ended
}

// stop kills the server and waits until it is gone.
func (p *process) stop() {
	p.kill()
	<-p.done
}

// startServer starts a command that serves until its context ends, and waits until it
// has logged its address, as JSON on standard error. Other lines of the log are
// copied to ours, but for irrelevant ones.
func startServer(c *exec.Cmd, kill context.CancelFunc) (*process, error) {
	c.Stderr = nil
	log, err := c.StderrPipe()
	if err != nil {
		kill()
		return nil, err
	}
	diesWithUs(c)
	p := &process{kill: kill, done: make(chan struct{})}
	serving := make(chan error, 1)
	go func() {
		defer close(p.done)
		// The thread that starts it must not end: see diesWithUs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := c.Start(); err != nil {
			serving <- err
			return
		}
		p.pid = c.Process.Pid
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line struct{ Level, Msg, URL, Admin string }
			switch err := json.Unmarshal(lines.Bytes(), &line); {
			case err == nil && p.url == "" && strings.HasPrefix(line.Msg, "serving"):
				p.url, p.admin = line.URL, line.Admin
				serving <- nil
			case err != nil || line.Level != "INFO":
				fmt.Fprintln(os.Stderr, lines.Text())
			}
		}
		_ = c.Wait() // it is killed in the end
		if p.url == "" {
			serving <- errors.New("it ended at once")
		}
	}()
	select {
	case err = <-serving:
	case <-time.After(time.Minute):
		err = errors.New("it does not serve after a minute")
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("start %v: %w", c.Args, err)
	}
	return p, nil
}
