package diff

import (
	"fmt"
	"reflect"
	"strings"
)

// Rules are the fields of one type that comparisons leave out, by their path: that
// of the JSON without the places in lists (standings.score); * stands for every key
// of a map.
type Rules map[string]bool

// Ignore leaves the field at a path of t, and all below it, out of comparisons.
// Fails when t has no such field.
func (r *Rules) Ignore(t reflect.Type, path string) error {
	if _, err := fieldAt(t, path); err != nil {
		return err
	}
	if *r == nil {
		*r = make(Rules)
	}
	(*r)[path] = true
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

// ignored reports whether the field at which the walk is does not count.
func (c *comparison) ignored() bool {
	if len(c.rules) == 0 {
		return false
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
	return c.rules[strings.Join(exact, ".")] || c.rules[strings.Join(starred, ".")]
}
