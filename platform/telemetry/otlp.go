package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector sends spans over OTLP/HTTP
// (https://opentelemetry.io/docs/specs/otlp/#otlphttp). It replaces the
// library's own client, which links gRPC: 200 packages and 5 MB of memory for a
// feature that is off by default.
type collector struct {
	url    string
	client *http.Client
}

const collectorTimeout = 10 * time.Second

func newCollector(url string) *collector {
	return &collector{url: url, client: &http.Client{Timeout: collectorTimeout}}
}

// Start implements otlptrace.Client: there is nothing to open.
func (c *collector) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *collector) Stop(context.Context) error {
	c.client.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. TracesData has the wire format of
// the request, ExportTraceServiceRequest, whose package is gRPC's. Spans
// that the collector does not accept are lost, and the caller logs the error.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	text, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // to the end, so that the connection is reused
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("send spans: the collector at %s answered %s", c.url, resp.Status)
	}
	return nil
}
