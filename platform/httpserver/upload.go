package httpserver

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"banyan/platform/config"
	"banyan/platform/fault"
)

// An upload holds a connection and what its reader has set up for it for as long as
// its client likes to send. So it must arrive at http.upload_rate, and there are at
// most http.uploads of those that take long, http.uploads_per_client of one client.
// Only the time spent waiting for the client counts, not that of the reader.

// longUpload is how long an upload has waited for its client when it is counted:
// those that arrive at once hold nobody up.
const longUpload = time.Second

// paceWindow is the time over which the rate is taken: a client may pause.
const paceWindow = 15 * time.Second

// pace is how an upload arrives. A proxy's reader may still wait for the client when
// the request has ended.
type pace struct {
	mu      sync.Mutex
	ended   bool          // nothing counts any more
	waited  time.Duration // for the client, in all
	window  time.Duration // for the client, in this window
	bytes   int64         // in this window
	counted bool          // it is among the long ones
}

// uploads counts the long ones by client.
type uploads struct {
	mu      sync.Mutex
	all     int
	clients map[netip.Prefix]int

	slow, refused atomic.Uint64
}

func (u *uploads) enter(client netip.Prefix, most, perClient int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if most > 0 && u.all >= most || perClient > 0 && u.clients[client] >= perClient {
		u.refused.Add(1)
		return false
	}
	if u.clients == nil {
		u.clients = make(map[netip.Prefix]int)
	}
	u.all++
	u.clients[client]++
	return true
}

func (u *uploads) leave(client netip.Prefix) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all--
	if u.clients[client]--; u.clients[client] <= 0 {
		delete(u.clients, client)
	}
}

func (u *uploads) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.all
}

// keepPace notes that n bytes of an upload came after this time, the last ones or
// not. It fails when the upload is too slow, or one too many. Banyan's own
// processes pass on what others send, at their pace.
func (s *requestState) keepPace(b *limitedBody, n int, waited time.Duration, last bool) error {
	costs := s.payer.costs
	if costs == nil || s.payer.exempt {
		return nil
	}
	p := &b.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waited += waited
	p.window += waited
	p.bytes += int64(n)
	if last {
		s.end(p)
	}
	if p.ended {
		return nil
	}
	if !p.counted && p.waited >= longUpload {
		if !costs.uploads.enter(clientKey(s.client), s.config.Uploads, s.config.UploadsPerClient) {
			return tooManyFault(expensiveRetryAfter, "many uploads are under way, here or from your address: wait until yours have ended, then send this one again")
		}
		p.counted = true
	}
	if p.window < paceWindow || s.config.UploadRate == 0 {
		return nil
	}
	if least := int64(float64(s.config.UploadRate) * p.window.Seconds()); p.bytes < least {
		costs.uploads.slow.Add(1)
		return fault.Newf(fault.Invalid, "this upload is too slow: %s arrived in %s, and %s per second are the least (http.upload_rate); send it again over a faster connection",
			config.Bytes(p.bytes), p.window.Round(time.Second), s.config.UploadRate)
	}
	p.window, p.bytes = 0, 0
	return nil
}

// endUpload is called when the request has ended.
func (s *requestState) endUpload() {
	if s.body == nil {
		return
	}
	s.body.pace.mu.Lock()
	defer s.body.pace.mu.Unlock()
	s.end(&s.body.pace)
}

// end needs the lock of the pace.
func (s *requestState) end(p *pace) {
	p.ended = true
	if p.counted {
		p.counted = false
		s.payer.costs.uploads.leave(clientKey(s.client))
	}
}
