//go:build !linux

package main

import (
	"errors"
	"os/exec"
	"time"
)

// oneCore runs work and returns the wall-clock time.
func oneCore(work func() error) (time.Duration, error) { return wall(work) }

// processTime is not available on this system.
func processTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }

// diesWithUs does nothing on this system.
func diesWithUs(*exec.Cmd) {}
