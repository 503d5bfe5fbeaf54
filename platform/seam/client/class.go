package client

// class is a kind of calls that an endpoint may fail at while it does well at the
// others. Each has a breaker and an ejection of its own at every endpoint, so that
// uploads cannot keep anybody from reading.
type class uint8

const (
	classRead   class = iota
	classWrite        // without a stream
	classStream       // sends a stream, or receives one
	classCount
)

// String reads "read", "write", "stream".
func (c class) String() string { return [...]string{"read", "write", "stream"}[c] }
