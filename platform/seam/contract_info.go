package seam

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// Info is what a contract says of an operation, for those who know the contract
// and not its types: tests over all operations, and tools.
type Info struct {
	ID      string
	Kind    Kind
	Access  Access
	Method  string
	Path    string // below the host, with {wildcards}
	Request reflect.Type
	Answer  reflect.Type
	Media   string // media types of the stream that is taken in, "" = none
	Streams bool   // the answer is a Stream

	codec *requestCodec
}

// Operations lists the contract's operations as they were declared.
func (c *Contract) Operations() []Info {
	all := make([]Info, len(c.operations))
	for i, d := range c.operations {
		all[i] = d.info()
	}
	return all
}

func (d *description) info() Info {
	return Info{
		ID: d.id, Kind: d.kind, Access: d.access, Method: d.method, Path: basePath(d.contract.Module) + d.path,
		Request: d.request.typ, Answer: d.answer, Media: d.request.media, Streams: d.streams, codec: d.request,
	}
}

// Encode returns a request as a client sends it: the escaped path and query below
// the host, and the JSON body, nil when there is none or when it is a stream.
func (i Info) Encode(request any) (target string, body []byte, err error) {
	if t := reflect.TypeOf(request); t != i.Request {
		return "", nil, fmt.Errorf("encode a request of %s: it is a %v, not a %v", i.ID, i.Request, t)
	}
	target, reader, err := i.codec.encode(reflect.ValueOf(request))
	if err != nil {
		return "", nil, err
	}
	// the module's part of the path, which is the codec's beginning
	target = i.Path[:len(i.Path)-len(i.codec.pattern())] + target
	if reader == nil || i.codec.stream >= 0 {
		return target, nil, nil
	}
	body, err = io.ReadAll(reader)
	return target, body, err
}

// pattern is the path with its wildcards, as it was declared.
func (c *requestCodec) pattern() string {
	text := ""
	for i, piece := range c.pieces {
		text += piece
		if i < len(c.path) {
			text += "{" + c.path[i].name + "}"
		}
	}
	return text
}

// BindAny makes a Local whose every operation is f: it gets the request and
// returns an answer of the operation's type, or nil for an empty one.
func (c *Contract) BindAny(f func(ctx context.Context, operation Info, request any) (answer any, err error)) *Local {
	l := &Local{contract: c, handlers: make([]any, len(c.operations))}
	for i, d := range c.operations {
		info := d.info()
		t := reflect.FuncOf([]reflect.Type{reflect.TypeFor[context.Context](), info.Request}, []reflect.Type{info.Answer, reflect.TypeFor[error]()}, false)
		l.handlers[i] = reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
			answer, err := f(in[0].Interface().(context.Context), info, in[1].Interface())
			out := []reflect.Value{reflect.Zero(info.Answer), reflect.Zero(reflect.TypeFor[error]())}
			if answer != nil {
				out[0] = reflect.ValueOf(answer)
			}
			if err != nil {
				out[1] = reflect.ValueOf(&err).Elem()
			}
			return out
		}).Interface()
	}
	return l
}

// Probe is the path of a read that a request without anything but the path reaches: whatever
// it answers names the version of the contract. "" = there is none.
func (c *Contract) Probe() string {
	for _, d := range c.operations {
		if d.method == http.MethodGet && !strings.Contains(d.path, "{") {
			return basePath(c.Module) + d.path
		}
	}
	return ""
}
