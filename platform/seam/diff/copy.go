package diff

import "reflect"

// Cloner copies a value so deeply that changing the original's lists and maps
// does not show in the copy. nil stands for values that are Copy by
// assignment.
type Cloner func(reflect.Value) reflect.Value

// Copy makes a caller's value safe to look at later. What a type hides in
// unexported fields is taken for immutable, as in time.Time.
func Copy[T any](v T, clone Cloner) T {
	if clone == nil {
		return v
	}
	return clone(reflect.ValueOf(&v).Elem()).Interface().(T)
}

// ClonerOf makes the Cloner of a type. It is work for the start, not for each value.
func ClonerOf(t reflect.Type) Cloner { return buildCloner(t, make(map[reflect.Type]*Cloner)) }

// buildCloner keeps in begun the types it is in the middle of, which contain
// themselves.
func buildCloner(t reflect.Type, begun map[reflect.Type]*Cloner) Cloner {
	if under, found := begun[t]; found {
		return func(v reflect.Value) reflect.Value { return (*under)(v) }
	}
	var made Cloner
	begun[t] = &made
	defer delete(begun, t)
	switch t.Kind() {
	case reflect.Slice:
		made = sliceCloner(buildCloner(t.Elem(), begun))
	case reflect.Pointer:
		made = pointerCloner(buildCloner(t.Elem(), begun))
	case reflect.Map:
		made = mapCloner(buildCloner(t.Elem(), begun))
	case reflect.Array:
		made = arrayCloner(buildCloner(t.Elem(), begun))
	case reflect.Struct:
		made = structCloner(t, begun)
	case reflect.Interface:
		made = func(v reflect.Value) reflect.Value {
			if v.IsNil() {
				return v
			}
			inside := v.Elem()
			if clone := ClonerOf(inside.Type()); clone != nil { // known only now
				inside = clone(inside)
			}
			out := reflect.New(t).Elem()
			out.Set(inside)
			return out
		}
	}
	return made
}

func sliceCloner(element Cloner) Cloner {
	return func(v reflect.Value) reflect.Value {
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(out, v)
		for i := 0; element != nil && i < v.Len(); i++ {
			out.Index(i).Set(element(v.Index(i)))
		}
		return out
	}
}

func arrayCloner(element Cloner) Cloner {
	if element == nil {
		return nil
	}
	return func(v reflect.Value) reflect.Value {
		out := reflect.New(v.Type()).Elem()
		for i := range v.Len() {
			out.Index(i).Set(element(v.Index(i)))
		}
		return out
	}
}

func pointerCloner(element Cloner) Cloner {
	return func(v reflect.Value) reflect.Value {
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(v.Elem())
		if element != nil {
			out.Elem().Set(element(v.Elem()))
		}
		return out
	}
}

func mapCloner(element Cloner) Cloner {
	return func(v reflect.Value) reflect.Value {
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for each := v.MapRange(); each.Next(); {
			value := each.Value()
			if element != nil {
				value = element(value)
			}
			out.SetMapIndex(each.Key(), value)
		}
		return out
	}
}

func structCloner(t reflect.Type, begun map[reflect.Type]*Cloner) Cloner {
	deep := make(map[int]Cloner)
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			if clone := buildCloner(f.Type, begun); clone != nil {
				deep[i] = clone
			}
		}
	}
	if len(deep) == 0 {
		return nil
	}
	return func(v reflect.Value) reflect.Value {
		out := reflect.New(t).Elem()
		out.Set(v)
		for i, clone := range deep {
			out.Field(i).Set(clone(v.Field(i)))
		}
		return out
	}
}
