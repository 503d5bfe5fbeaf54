package seam

import (
	"bytes"
	"sync"
)

var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, usualBuffer)) }}

const (
	// usualBuffer holds an ordinary answer, so that none has to grow its buffer.
	usualBuffer = 4 << 10
	// maxPooledBuffer keeps one huge body from staying in memory for ever.
	maxPooledBuffer = 1 << 20
)

func takeBuffer() *bytes.Buffer {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	return buf
}

func giveBuffer(buf *bytes.Buffer) {
	if buf.Cap() <= maxPooledBuffer {
		buffers.Put(buf)
	}
}
