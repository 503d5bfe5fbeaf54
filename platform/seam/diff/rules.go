package diff

import (
	"fmt"
	"reflect"
	"strings"
)

// Rules are what counts less in the comparisons of one type, by the path of the
// field: that of the JSON without the places in lists (standings.score); * stands
// for every key of a map.
type Rules map[string]*rule

// rule makes a field count less in comparisons.
type rule struct {
	ignored bool
	within  float64
}

// Ignore leaves the field at a path of t, and all below it, out of comparisons.
// Fails when t has no such field.
func (r *Rules) Ignore(t reflect.Type, path string) error {
	return r.add(t, path, rule{ignored: true})
}

// Tolerate lets the number at a path of t differ by as much as within, to either
// side. Fails when t has no such number, or within is negative.
func (r *Rules) Tolerate(t reflect.Type, path string, within float64) error {
	return r.add(t, path, rule{within: within})
}

func (r *Rules) add(t reflect.Type, path string, one rule) error {
	end, err := fieldAt(t, path)
	if err != nil {
		return err
	}
	if !one.ignored && !(one.within >= 0 && isNumber(end)) {
		return fmt.Errorf("a tolerance of %g for the field %s: it must be a number, and the tolerance not negative", one.within, path)
	}
	if *r == nil {
		*r = make(Rules)
	}
	(*r)[path] = &one
	return nil
}

func isNumber(t reflect.Type) bool {
	return t.Kind() == reflect.Interface || t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64 && t.Kind() != reflect.Uintptr
}

// fieldAt returns the type of the field at a path. What is below an interface
// shows at run time only.
func fieldAt(t reflect.Type, path string) (reflect.Type, error) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if path == "" || t.Kind() == reflect.Interface {
		return t, nil
	}
	name, rest, _ := strings.Cut(path, ".")
	switch {
	case t.Kind() == reflect.Map:
		return fieldAt(t.Elem(), rest)
	case t.Kind() == reflect.Struct && !writesItself(t):
		for _, f := range jsonFields(t) {
			if f.name == name {
				return fieldAt(t.FieldByIndex(f.index).Type, rest)
			}
		}
	}
	return nil, fmt.Errorf("an answer of type %s has no field %s", t, name)
}

// rule returns what was declared for the field at which the walk is.
func (c *comparison) rule() *rule {
	if len(c.rules) == 0 {
		return nil
	}
	var exact, starred []string
	for _, s := range c.at {
		if s.index >= 0 || s.name == "" {
			continue
		}
		exact = append(exact, s.name)
		if s.key {
			starred = append(starred, "*")
		} else {
			starred = append(starred, s.name)
		}
	}
	if r := c.rules[strings.Join(exact, ".")]; r != nil {
		return r
	}
	return c.rules[strings.Join(starred, ".")]
}
