//go:build !linux

package main

import (
	"errors"
	"os/exec"
	"time"
)

// oneCore runs work and gives the time on the wall.
func oneCore(work func() error) (time.Duration, error) { return wall(work) }

// processTime is not to be had of another process.
func processTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }

// diesWithUs is for systems that can.
func diesWithUs(*exec.Cmd) {}
