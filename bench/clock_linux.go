package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// oneCore runs work on one thread and returns its CPU time, which other programs on
// the machine affect less than the wall clock.
func oneCore(work func() error) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start, err := cpuTime(unix.CLOCK_THREAD_CPUTIME_ID)
	if err != nil {
		return 0, err
	}
	if err := work(); err != nil {
		return 0, err
	}
	end, err := cpuTime(unix.CLOCK_THREAD_CPUTIME_ID)
	return end - start, err
}

// processTime returns the CPU time of a process so far.
func processTime(pid int) (time.Duration, error) {
	const whole = 2 // all threads, by the scheduler: as clock_getcpuclockid(3) encodes a pid
	return cpuTime(int32(^pid<<3 | whole))
}

func cpuTime(clock int32) (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(clock, &now); err != nil {
		return 0, fmt.Errorf("ask for the processor's time: %w", err)
	}
	return time.Duration(now.Nano()), nil
}

// diesWithUs makes the system kill c when the thread that started it ends, at the
// latest with this program.
func diesWithUs(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
