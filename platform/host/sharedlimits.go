package host

import (
	"github.com/prometheus/client_golang/prometheus"

	"banyan/platform/httpserver"
	"banyan/platform/ratelimit"
)

// openSharedLimits lets the server limit callers together with the other replicas,
// where redis.url is set.
func (p *Process) openSharedLimits(options *httpserver.Options) error {
	reached := func() float64 { return 1 }
	if p.settings.Redis.Enabled() {
		shared, err := ratelimit.Open(p.settings.Redis)
		if err != nil {
			return err
		}
		p.limits = shared
		options.Shared = shared
		reached = func() float64 {
			if shared.Reached() {
				return 1
			}
			return 0
		}
	}
	p.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "banyan_http_shared_limits_reached",
		Help: "Whether the limits of all replicas are reached in Redis: 1 or 0. Without redis.url it is 1.",
	}, reached))
	return nil
}
