package powercut_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// entry is one of the log of testdata/powercut.c.
type entry struct {
	op   byte // O open, W write, T truncate, S sync, D delete
	id   int32
	at   int64
	data []byte
	end  int64 // of the entry in the log
}

func readLog(t *testing.T, path string) (entries []entry) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(text); {
		e := entry{op: text[at], id: int32(binary.NativeEndian.Uint32(text[at+1:])), at: int64(binary.NativeEndian.Uint64(text[at+5:]))}
		n := int(binary.NativeEndian.Uint32(text[at+13:]))
		e.data = text[at+17 : at+17+n]
		at += 17 + n
		e.end = int64(at)
		entries = append(entries, e)
	}
	return entries
}

// disk is what is on a disk, and what may be.
type disk struct {
	names   map[int32]string
	synced  map[string][]byte
	pending map[string][]entry // since the last sync of the file
}

func newDisk() *disk {
	return &disk{names: map[int32]string{}, synced: map[string][]byte{}, pending: map[string][]entry{}}
}

func (d *disk) do(e entry) {
	name := d.names[e.id]
	switch e.op {
	case 'O':
		name = string(e.data)
		d.names[e.id] = name
		if d.synced[name] == nil {
			d.synced[name] = []byte{}
		}
	case 'W', 'T':
		d.pending[name] = append(d.pending[name], e)
	case 'S':
		for _, w := range d.pending[name] {
			d.synced[name] = apply(d.synced[name], w, func() bool { return true })
		}
		d.pending[name] = nil
	case 'D':
		delete(d.synced, string(e.data))
		delete(d.pending, string(e.data))
	}
}

// apply makes a change, of a write the sectors that keep is true for.
func apply(content []byte, e entry, keep func() bool) []byte {
	if e.op == 'T' {
		if keep() && int64(len(content)) > e.at {
			return content[:e.at]
		}
		return content
	}
	for from := 0; from < len(e.data); {
		to := min(len(e.data), from+sector-int((e.at+int64(from))%sector))
		if keep() {
			at, end := e.at+int64(from), e.at+int64(to)
			if int64(len(content)) < end {
				content = append(content, make([]byte, end-int64(len(content)))...)
			}
			copy(content[at:end], e.data[from:to])
		}
		from = to
	}
	return content
}

// cut puts into a folder what a database has after a power cut now: what was synced, and of
// the rest any sectors.
func (d *disk) cut(t *testing.T, random *rand.Rand, database, folder string) (path string) {
	t.Helper()
	path = filepath.Join(folder, "after.db")
	for _, ending := range []string{"", "-wal", "-journal"} {
		name := database + ending
		_ = os.Remove(path + ending) // of the cut before
		content, there := d.synced[name]
		if !there {
			continue
		}
		content = bytes.Clone(content)
		for _, e := range d.pending[name] {
			content = apply(content, e, func() bool { return random.IntN(2) == 0 })
		}
		if err := os.WriteFile(path+ending, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
