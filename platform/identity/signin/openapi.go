package signin

import "reflect"

// about is what the API document says of an endpoint. Cookies keep these endpoints from
// being operations of the seam.
type about struct {
	id, summary  string
	body, answer reflect.Type // nil = none
	query        [][2]string  // names, and what they say
}

func of[T any]() reflect.Type { return reflect.TypeFor[T]() }

// queries returns parameters of the query with what they say.
func queries(names ...string) [][2]string {
	says := map[string]string{
		"wallet": "EIP-55; of another wallet, for operators",
		"of":     "everybody; for operators",
		"ended":  "true lists also those that expired or were ended",
		"what":   "only this kind",
		"who":    "only what this one did, or what was done to it",
		"cursor": "next of the page before",
		"limit":  "1 to 200",
	}
	list := make([][2]string, len(names))
	for i, name := range names {
		list[i] = [2]string{name, says[name]}
	}
	return list
}

// Endpoint describes one endpoint of the API.
type Endpoint struct {
	ID, Summary, Method, Path string
	Public                    bool         // for callers who are not signed in, too
	Body, Answer              reflect.Type // JSON; nil = none
	Query                     [][2]string  // names, and what they say
}

// Describe returns the endpoints of Mount.
func Describe() []Endpoint {
	all := endpoints()
	list := make([]Endpoint, len(all))
	for i, e := range all {
		list[i] = Endpoint{
			ID: e.about.id, Summary: e.about.summary, Method: e.method, Path: e.path, Public: e.who == everybody,
			Body: e.about.body, Answer: e.about.answer, Query: e.about.query,
		}
	}
	return list
}
