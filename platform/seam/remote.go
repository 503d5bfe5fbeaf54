package seam

import (
	"context"
	"encoding/json"
	"io"
	"reflect"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"banyan/platform/fault"
	"banyan/platform/seam/client"
)

// Remote is a module in other processes.
type Remote = client.Client

// RemoteOptions say how to reach a module. Zero values are the defaults.
type RemoteOptions = client.Options

// NewRemote returns the far end of a route. Whoever makes it closes it. Fails with
// fault.Invalid when there is no URL, or one of them is not a URL of an endpoint.
func NewRemote(c *Contract, o RemoteOptions) (*Remote, error) {
	return client.New(client.Target{Module: c.Module, Path: basePath(c.Module), Version: c.Version}, o)
}

// callRemote does an operation in another process.
func callRemote[Q, A any](ctx context.Context, r *Remote, d *description, q Q) (answer A, err error) {
	if trace.SpanFromContext(ctx).IsRecording() {
		var span trace.Span
		ctx, span = otel.Tracer(tracerName).Start(ctx, d.contract.Module+"."+d.id, trace.WithSpanKind(trace.SpanKindClient))
		defer span.End()
	}
	request := client.Request{
		Method: d.method, Media: d.request.media, Write: d.kind == KindWrite, Streams: d.streams,
		Idempotent: d.idempotent, Once: shadowed(ctx),
	}
	if request.Write {
		request.Key, request.Epoch = IdempotencyKey(ctx), RouteEpoch(ctx)
	}
	if request.Target, request.Body, err = d.request.encode(reflect.ValueOf(q)); err != nil {
		return answer, err
	}
	got, err := r.Do(ctx, &request)
	if err != nil {
		return answer, err
	}
	if stream, ok := any(&answer).(*Stream); ok {
		far := got // its own variable: got need not outlive other calls
		stream.ContentType, stream.Note = far.Media(), far.Note()
		stream.Write = func(w io.Writer) error { return far.Copy(ctx, w) }
		return answer, nil
	}
	defer got.Release()
	if err := json.Unmarshal(got.Text(), &answer); err != nil {
		return answer, fault.Wrap(err, fault.Unavailable, "the answer of module "+d.contract.Module+" cannot be read: bring both processes to one release")
	}
	return answer, nil
}
