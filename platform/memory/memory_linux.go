// Package memory reports how much memory this process may still take.
package memory

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// Available returns the memory that this process may still take without
// swapping, in bytes: of the machine, or of its container where that has less.
// 0 is unknown.
func Available() int64 {
	available := systemMemory("/proc/meminfo")
	if container := containerMemory("/sys/fs/cgroup"); available == 0 || (container > 0 && container < available) {
		available = container
	}
	return available
}

// systemMemory returns the memory that the system has available without
// swapping, in bytes; 0 when it is unknown.
func systemMemory(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "MemAvailable:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64) // 0 when it is not a number
			return kib << 10
		}
	}
	return 0
}

// containerMemory returns what a container's limit leaves, in bytes (cgroup
// v2); 0 when it has none. Pages of files count as used there and can be
// reclaimed, so only the anonymous memory of processes is subtracted.
func containerMemory(folder string) int64 {
	limit := numberIn(folder + "/memory.max")
	if limit == 0 {
		return 0
	}
	text, err := os.ReadFile(folder + "/memory.stat")
	if err != nil {
		return limit
	}
	used := int64(0)
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), " "); name == "anon" {
			used, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return max(limit-used, 1)
}

// numberIn reads a file with a number; 0 when it is something else, as "max".
func numberIn(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}
