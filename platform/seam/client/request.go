package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"banyan/platform/identity"
	"banyan/platform/requestctx"
)

// address is the URL of an operation at an endpoint.
func (r *Client) address(c *outgoing, e *endpoint) *url.URL {
	u := &url.URL{Scheme: e.base.Scheme, Host: e.base.Host, Path: e.base.Path + r.path + c.path, RawQuery: c.query}
	if strings.Contains(c.path, "%") {
		u.RawPath = u.Path
		u.Path, _ = url.PathUnescape(u.RawPath) // it was escaped by the codec
	}
	return u
}

var jsonMedia = []string{MediaJSON}

// headers are written into the map directly: their names are canonical, and
// http.Header.Set would look that up on every call.
func (r *Client) headers(ctx context.Context, c *outgoing) (http.Header, error) {
	h := make(http.Header, 8)
	h[HeaderContract] = r.version
	h["User-Agent"] = nil // not sent
	if r.data != nil {
		h[HeaderData] = r.data
	}
	values := make([]string, 0, 6)
	one := func(value string) []string {
		values = append(values, value)
		return values[len(values)-1 : len(values) : len(values)]
	}
	if c.upload != nil {
		media, _, _ := strings.Cut(c.Media, ",")
		h["Content-Type"] = one(media)
	} else if c.body {
		h["Content-Type"] = jsonMedia
	}
	if deadline, set := ctx.Deadline(); set && c.waits {
		h[HeaderDeadline] = one(c.left(deadline))
	}
	if c.Write {
		key := c.Key
		if key == "" {
			key = newKey(time.Now())
		}
		// In lower case, because net/http takes the canonical name as permission to
		// send a write again by itself; whether to is decided in retry.go.
		h[sentIdempotency] = one(key)
		if c.Epoch != 0 {
			h[HeaderEpoch] = one(strconv.FormatInt(c.Epoch, 10))
		}
	}
	if r.tokens != nil {
		caller := identity.From(ctx)
		caller.Scope = identity.ForCall(r.module, c.Write)
		token, err := r.tokens.Token(caller, r.module)
		if err != nil {
			return nil, fmt.Errorf("sign the caller for %s: %w", r.module, err)
		}
		h["Authorization"] = one("Bearer " + token)
	}
	if id := requestctx.ID(ctx); id != "" {
		h[HeaderRequestID] = one(id)
	}
	if trace.SpanContextFromContext(ctx).IsValid() {
		otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(h))
	}
	return h, nil
}

// newKey is a key that nobody else has. Keys follow time, which keeps those that
// are stored in a row side by side in the index (platform/idempotency).
func newKey(now time.Time) string {
	const most = 18 // of 5 bits each, beside the time
	return strconv.FormatInt(now.UnixMilli(), 36) + rand.Text()[:most]
}

// sentIdempotency is HeaderIdempotency in lower case; see headers.
const sentIdempotency = "idempotency-key"
