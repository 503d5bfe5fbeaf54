package seam

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// rule makes a field count less in comparisons.
type rule struct {
	ignored bool
	within  float64
}

// Ignore leaves a field of the answer, and all below it, out of comparisons: a
// time of computing, for instance. The path is that of the JSON without the
// places in lists (standings.score); * stands for every key of a map.
func Ignore(path string) Option { return addRule(path, rule{ignored: true}) }

// Tolerance lets a number of the answer differ by as much as within, to either
// side. For the path see Ignore.
func Tolerance(path string, within float64) Option { return addRule(path, rule{within: within}) }

// addRule finds a mistyped path at the first start.
func addRule(path string, one rule) Option {
	return func(d *description) error {
		if !d.repeatable {
			return errors.New("only answers of reads without streams are compared")
		}
		end, err := fieldAt(d.answer, path)
		if err != nil {
			return err
		}
		if !one.ignored && !(one.within >= 0 && isNumber(end)) {
			return fmt.Errorf("the field %s is no number that a tolerance of %g can be for", path, one.within)
		}
		if d.rules == nil {
			d.rules = make(map[string]*rule)
		}
		d.rules[path] = &one
		return nil
	}
}

func isNumber(t reflect.Type) bool {
	return t.Kind() == reflect.Interface || t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64 && t.Kind() != reflect.Uintptr
}

// fieldAt gives the type of the field at a path. What is below an interface
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

// rule gives what was declared for the field at which the walk is.
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
