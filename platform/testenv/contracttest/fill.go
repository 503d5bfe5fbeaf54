package contracttest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"reflect"
	"strings"
	"time"
)

// filler makes example values in which no field is zero. The value of a field
// depends only on its name and path, so that a new field changes no other.
type filler struct {
	known map[reflect.Type]reflect.Value
}

func newFiller(known []any) filler {
	f := filler{known: make(map[reflect.Type]reflect.Value)}
	for _, value := range known {
		f.known[reflect.TypeOf(value)] = reflect.ValueOf(value)
	}
	return f
}

// example returns a filled value of the type.
func (f filler) example(t reflect.Type) (any, error) { return f.complete(reflect.Zero(t)) }

// complete fills what is zero in the value.
func (f filler) complete(value reflect.Value) (any, error) {
	v := reflect.New(value.Type()).Elem()
	v.Set(value)
	if err := f.fill(v, ""); err != nil {
		return nil, fmt.Errorf("make up a %s: %w", v.Type(), err)
	}
	return v.Interface(), nil
}

var (
	rawType  = reflect.TypeFor[json.RawMessage]()
	timeType = reflect.TypeFor[time.Time]()
)

// fill fills what is zero; other values were given in Options.Known.
func (f filler) fill(v reflect.Value, path string) error {
	if known, ok := f.known[v.Type()]; ok && v.IsZero() && v.CanSet() {
		v.Set(known)
	}
	switch {
	case v.Type() == timeType && v.IsZero():
		v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 12, 0, int(number(path)), 0, time.UTC)))
		return nil
	case v.Type() == timeType:
		return nil
	case v.Kind() == reflect.Struct:
		return f.fillStruct(v, path)
	case !v.IsZero():
		return nil
	case v.Type() == rawType:
		v.SetBytes([]byte(`{"payload":true}`))
		return nil
	}
	return f.fillZero(v, path)
}

func (f filler) fillStruct(v reflect.Value, path string) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if _, stream := field.Tag.Lookup("stream"); stream || !field.IsExported() && !field.Anonymous {
			continue
		}
		at := path
		if !field.Anonymous {
			at = path + "." + nameOf(field)
		}
		if err := f.fill(v.Field(i), at); err != nil {
			return err
		}
	}
	return nil
}

func (f filler) fillZero(v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(strings.Trim(path[strings.LastIndexByte(path, '.')+1:], "."))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(number(path)))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(number(path))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(number(path)) + 0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return f.fill(v.Elem(), path)
	case reflect.Array:
		return f.fillElements(v, path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		return f.fillElements(v, path)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if err := f.fill(key, path+".key"); err != nil {
			return err
		}
		if err := f.fill(value, path+".value"); err != nil {
			return err
		}
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Interface:
		if v.NumMethod() > 0 {
			return fmt.Errorf("%s is a %s, which has no example: add one to Options.Known", path, v.Type())
		}
		v.Set(reflect.ValueOf("any"))
	default:
		return fmt.Errorf("%s is a %s, which has no JSON", path, v.Type())
	}
	return nil
}

func (f filler) fillElements(v reflect.Value, path string) error {
	for i := range v.Len() {
		if err := f.fill(v.Index(i), fmt.Sprintf("%s-%d", path, i+1)); err != nil {
			return err
		}
	}
	return nil
}

// number returns 2 to 91, by the path.
func number(path string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(path)) // cannot fail
	return 2 + h.Sum64()%90
}

// nameOf returns the field's name on the wire.
func nameOf(field reflect.StructField) string {
	for _, tag := range []string{"path", "query", "json"} {
		if name, _, _ := strings.Cut(field.Tag.Get(tag), ","); name != "" && name != "-" {
			return name
		}
	}
	return field.Name
}
