package legacy

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/platform/fault"
)

// Serve names the router of Banyan's own paths, when its routes are there and
// before the first request: what it does not have is never taken. Fails with
// fault.Invalid when a path is to be taken that it has no route for.
func (l *Legacy) Serve(router chi.Routes) error {
	for _, t := range *l.takes.Load() {
		if err := l.checkRoute(router, t.Take); err != nil {
			return err
		}
	}
	l.router.Store(&router)
	return nil
}

// routes is nil before Serve.
func (l *Legacy) routes() chi.Routes {
	if router := l.router.Load(); router != nil {
		return *router
	}
	return nil
}

// checkRoute refuses a take that could not come into effect, and names the routes
// that are nearest to it.
func (l *Legacy) checkRoute(router chi.Routes, t Take) error {
	if l.kept(t.Prefix) {
		return fault.Newf(fault.Invalid, "legacy.take: %s is Banyan's for everybody already: leave it out", t.Prefix)
	}
	nearest, most := map[string]bool{}, 0
	found := false
	err := chi.Walk(router, func(_, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if pattern = strings.TrimSuffix(pattern, "/"); pattern == "" {
			pattern = "/"
		}
		if l.kept(pattern) {
			return nil
		}
		fit, whole := fits(t.Prefix, pattern)
		found = found || whole
		if fit > most {
			nearest, most = map[string]bool{}, fit
		}
		if fit == most {
			nearest[begin(pattern, most+1)] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list the routes: %w", err)
	}
	if found {
		return nil
	}
	list := make([]string, 0, len(nearest))
	for pattern := range nearest {
		list = append(list, pattern)
	}
	slices.Sort(list)
	return fault.Newf(fault.Invalid, "legacy.take: Banyan has nothing at %s, so nothing would be taken: the nearest it has is %s",
		t.Prefix, strings.Join(list, ", "))
}

// fits reports how many segments of a prefix a route's pattern agrees with from
// the left, and whether the route has paths at or below the prefix.
func fits(prefix, pattern string) (segments int, whole bool) {
	if prefix == "/" || pattern == "/" {
		return 0, prefix == pattern
	}
	want, have := strings.Split(prefix[1:], "/"), strings.Split(pattern[1:], "/")
	for i, segment := range want {
		switch {
		case i >= len(have):
			return i, false
		case have[i] == "*":
			return i, true
		case have[i] != segment && !strings.HasPrefix(have[i], "{"):
			return i, false
		}
	}
	return len(want), true
}

// begin is a pattern's first segments.
func begin(pattern string, segments int) string {
	if pattern == "/" {
		return pattern
	}
	parts := strings.SplitAfterN(pattern, "/", segments+2)
	return strings.TrimSuffix(strings.Join(parts[:min(len(parts), segments+1)], ""), "/")
}
