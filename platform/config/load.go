package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"gopkg.in/yaml.v3"
)

// Options says where settings come from.
type Options struct {
	Defaults []byte            // the embedded config.yaml
	File     string            // --config; "" = BANYAN_CONFIG, else DefaultFile if it exists
	Env      []string          // os.Environ()
	Flags    map[string]string // by key: {"listen": "127.0.0.1:8081"}

	// BuiltIn ignores every source but Defaults and Flags: File and Env are not used,
	// and no file is read.
	BuiltIn bool
}

// overrides reads the file, the environment and the flags, in this order.
func (c catalog) overrides(o Options) ([]given, []Problem) {
	var values []given
	var problems []Problem
	add := func(g []given, p []Problem) { values, problems = append(values, g...), append(problems, p...) }
	if !o.BuiltIn {
		if name, content, problem := readFile(o); problem != nil {
			add(nil, []Problem{*problem})
		} else if name != "" {
			add(c.fromFile(content, name))
		}
		add(c.fromEnv(o.Env))
	}
	add(c.fromFlags(o.Flags))
	return values, problems
}

// DefaultFile is read when neither --config nor BANYAN_CONFIG names another. It
// is not called config.yaml: that file lists the defaults, and a copy beside the
// program would set every one of them, as if the operator had decided it.
const DefaultFile = "banyan.yaml"

// Named returns the sources, besides flags, that were given on purpose: the file of
// --config (Kind FromFile) and the variables that set a setting or name a file (Kind
// FromEnvironment), sorted by name. A DefaultFile that exists, and variables that
// are not settings, are not among them. It reads only Defaults and the variables,
// and fails only when Defaults is not a valid config.yaml.
func Named(o Options, sections ...Section) ([]Origin, error) {
	known, err := newCatalog(o.Defaults)
	if err != nil {
		return nil, err
	}
	known.renames = newRenames(sections, nil)
	var all []Origin
	if o.File != "" {
		all = append(all, Origin{Kind: FromFile, Name: o.File})
	}
	return append(all, known.variables(o.Env)...), nil
}

// readFile reads the operator's file; name is "" when there is none.
func readFile(o Options) (name string, content []byte, problem *Problem) {
	name, askedBy := o.File, "--config names it"
	if name == "" {
		for _, pair := range o.Env {
			if value, ok := strings.CutPrefix(pair, fileVariable+"="); ok && value != "" {
				name, askedBy = value, fileVariable+" names it"
			}
		}
	}
	asked := name != ""
	if !asked {
		name = DefaultFile
	}
	content, err := os.ReadFile(name)
	switch {
	case err == nil:
		return name, content, nil
	case !asked && errors.Is(err, fs.ErrNotExist):
		return "", nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, &Problem{Origin: Origin{Kind: FromFile, Name: name}, Message: "there is no such file, and " + askedBy}
	}
	return "", nil, &Problem{Origin: Origin{Kind: FromFile, Name: name}, Message: "cannot be read: " + err.Error()}
}

// wanted describes the type of a default.
var wanted = map[string]string{
	"!!int":   "a whole number",
	"!!float": "a number",
	"!!bool":  "true or false",
	"!!str":   "a text",
	"!!seq":   "a list",
}

// refuse returns what is wrong with one value by itself, "" when nothing is.
func (c catalog) refuse(g given) string {
	like := c.defaults[g.key].node
	want, got := like.ShortTag(), g.node.ShortTag()
	if got != want && (want != "!!float" || got != "!!int") {
		example := like.Value
		if want == "!!seq" {
			example = "[]"
		}
		message := fmt.Sprintf("must be %s", wanted[want])
		if example != "" {
			message += ", like " + example
		}
		if want == "!!str" && g.node.Kind == yaml.ScalarNode && got != "!!null" && example == "" {
			message += ": put it in quotes"
		}
		return message
	}
	for i, item := range g.node.Content {
		if item.ShortTag() != "!!str" { // an unquoted 0x… is a number to YAML
			return fmt.Sprintf("item %d must be a text: put it in quotes", i+1)
		}
	}
	taker := section(c.takenBy, g.key)
	if taker == nil {
		return "" // Load fails, because the built-in file does not match
	}
	if err := decode(map[string]given{taker.below(g.key): g}, taker.fresh()); err != nil {
		return plainly(err)
	}
	return ""
}

// plainly returns the decoder's error without its wrapping: the problem has the key
// and the place already.
func plainly(err error) string {
	for {
		var e *mapstructure.DecodeError
		if !errors.As(err, &e) {
			break
		}
		err = e.Unwrap()
	}
	return err.Error()
}

// decode has viper build a tree from dotted keys and fill the struct. A key that the
// struct does not have is an error.
func decode(values map[string]given, into any) error {
	v := viper.New()
	for key, g := range values {
		var value any
		if err := g.node.Decode(&value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		v.Set(key, value)
	}
	return v.UnmarshalExact(into, func(d *mapstructure.DecoderConfig) {
		d.TagName = "yaml"
		d.WeaklyTypedInput = false
		d.DecodeHook = mapstructure.ComposeDecodeHookFunc(durations, wholeNumbers, mapstructure.TextUnmarshallerHookFunc())
	})
}

// durations parses "30s"; a number without a unit was refused before, because the
// default is a text.
func durations(from, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() || from.Kind() != reflect.String {
		return value, nil
	}
	d, err := time.ParseDuration(value.(string))
	if err != nil {
		return nil, fmt.Errorf("%q is not a duration: write one with a unit, like 500ms, 30s, 15m or 24h", value)
	}
	return d, nil
}

// wholeNumbers refuses a number that overflows an int instead of truncating it.
func wholeNumbers(from, to reflect.Type, value any) (any, error) {
	if to.Kind() == reflect.Int && from.Kind() != reflect.Int {
		return nil, fmt.Errorf("%v is too large", value)
	}
	return value, nil
}
