package httpserver

import (
	"fmt"
	"net/http"
	"net/url"
)

// protectOrigins refuses requests that change something and were sent by a page
// of another site. Each host trusts its own origin, and not the other's.
func (s *Server) protectOrigins(public *url.URL) (func(http.Handler) http.Handler, error) {
	everybody, err := s.protectOrigin("public_url", public)
	if err != nil || s.options.OperatorURL == "" {
		return everybody, err
	}
	operators, err := url.Parse(s.options.OperatorURL)
	if err != nil || operators.Host == "" {
		return nil, fmt.Errorf("the operators' address %q is not a URL: write one like https://operator.example.org", s.options.OperatorURL)
	}
	own, err := s.protectOrigin("the operators' address", operators)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		theirs, ours := everybody(next), own(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if IsFor(r, operators.Host) {
				ours.ServeHTTP(w, r)
				return
			}
			theirs.ServeHTTP(w, r)
		})
	}, nil
}

func (s *Server) protectOrigin(name string, origin *url.URL) (func(http.Handler) http.Handler, error) {
	check := http.NewCrossOriginProtection()
	if err := check.AddTrustedOrigin(origin.Scheme + "://" + origin.Host); err != nil {
		return nil, fmt.Errorf("%s %q cannot be an origin: %w", name, origin, err)
	}
	check.SetDenyHandler(http.HandlerFunc(s.denyOrigin))
	return check.Handler, nil
}
