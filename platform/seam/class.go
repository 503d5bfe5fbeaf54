package seam

// class is a kind of operations that an endpoint may fail at while it does well
// at the others. Each has a breaker and an ejection of its own at every endpoint,
// so that uploads cannot keep anybody from reading.
type class uint8

const (
	classRead   class = iota
	classWrite        // without a stream
	classStream       // takes a stream in, or gives one out
	classCount
)

// String reads "read", "write", "stream".
func (c class) String() string { return [...]string{"read", "write", "stream"}[c] }

func (d *description) class() class {
	switch {
	case d.streams || d.request.stream >= 0:
		return classStream
	case d.kind == KindWrite:
		return classWrite
	}
	return classRead
}
