package diff

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"banyan/platform/wallet"
)

type inner struct {
	Score float64 `json:"score"`
	Count uint64  `json:"count"`
}

type Deep struct {
	Hidden int `json:"-"`
	Depth  int `json:"depth"`
}

type everything struct {
	Deep
	Name    string           `json:"name"`
	On      bool             `json:"on,omitempty"`
	List    []inner          `json:"list"`
	Pair    [2]int           `json:"pair"`
	Map     map[string]inner `json:"map"`
	Free    map[string]any   `json:"free"`
	Any     any              `json:"any"`
	Pointer *inner           `json:"pointer"`
	Big     *big.Int         `json:"big"`
	At      time.Time        `json:"at"`
	Wallet  wallet.Address   `json:"wallet"`
	Raw     json.RawMessage  `json:"raw,omitempty"`
	Left    int              `json:"-"`
	private int
}

func some() everything {
	return everything{
		Deep: Deep{1, 2}, Name: "a", List: []inner{{0.5, 1}, {0.25, 2}}, Pair: [2]int{1, 2},
		Map: map[string]inner{"x": {1, 1}, "y": {2, 2}}, Free: map[string]any{"n": 1, "deep": map[string]any{"list": []any{"s", 2.5, nil}}, "w": wallet.Address{19: 1}},
		Any: inner{1, 2}, Pointer: &inner{3, 3}, Big: big.NewInt(1 << 60), At: time.Date(2026, 11, 20, 12, 0, 0, 5, time.UTC),
		Wallet: wallet.Address{1}, Raw: json.RawMessage(`{"a":1}`), Left: 4, private: 5,
	}
}

// overTheWire is what the remote's side of a comparison has been through.
func overTheWire[T any](t testing.TB, v T) (out T) {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func paths(fields []Field) string {
	var all []string
	for _, f := range fields {
		all = append(all, f.Path)
	}
	return strings.Join(all, " ")
}

// declaration is one rule for a type.
type declaration func(*Rules, reflect.Type) error

func ignore(path string) declaration {
	return func(r *Rules, t reflect.Type) error { return r.Ignore(t, path) }
}

// compareThem panics on a rule that is wrong.
func compareThem[T any](here, there T, declarations ...declaration) []Field {
	var rules Rules
	for _, declare := range declarations {
		if err := declare(&rules, reflect.TypeFor[T]()); err != nil {
			panic(err)
		}
	}
	return Compare(rules, reflect.ValueOf(&here).Elem(), reflect.ValueOf(&there).Elem())
}

// Each change is found at its place and nowhere else; what does not travel is
// no difference.
func TestWhereAnswersDiffer(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*everything)
		want   string
	}{
		{"nothing", func(*everything) {}, ""},
		{"what stays behind", func(e *everything) { e.Left, e.private, e.Hidden = 9, 9, 9 }, ""},
		{"an empty list for none", func(e *everything) {
			e.List = append([]inner{}, e.List...)
			e.Map = map[string]inner{"x": {1, 1}, "y": {2, 2}}
		}, ""},
		{"the zone of a time", func(e *everything) { e.At = e.At.In(time.FixedZone("x", 3600)) }, ""},
		{"a text", func(e *everything) { e.Name = "b" }, "name"},
		{"a switch", func(e *everything) { e.On = true }, "on"},
		{"an embedded field", func(e *everything) { e.Depth = 9 }, "depth"},
		{"in a list", func(e *everything) { e.List[1].Score = 0.26 }, "list[1].score"},
		{"a longer list", func(e *everything) { e.List = append(e.List, inner{}) }, "list.length"},
		{"no list", func(e *everything) { e.List = nil }, "list.length"},
		{"in a pair", func(e *everything) { e.Pair[0] = 9 }, "pair[0]"},
		{"in a map", func(e *everything) { e.Map["y"] = inner{2, 3} }, "map.y.count"},
		{"other keys", func(e *everything) { delete(e.Map, "x"); e.Map["z"] = inner{} }, "map.x map.z"},
		{"free text", func(e *everything) { e.Free["n"] = 2 }, "free.n"},
		{"deep in free text", func(e *everything) { e.Free["deep"] = map[string]any{"list": []any{"s", 2.5, "nil"}} }, "free.deep.list[2]"},
		{"another shape of free text", func(e *everything) { e.Free["deep"] = []any{1} }, "free.deep"},
		{"an any", func(e *everything) { e.Any = inner{1, 3} }, "any.count"},
		{"behind a pointer", func(e *everything) { e.Pointer.Score = 4 }, "pointer.score"},
		{"no pointer", func(e *everything) { e.Pointer = nil }, "pointer"},
		{"a big number", func(e *everything) { e.Big.Add(e.Big, big.NewInt(1)) }, "big"},
		{"a nanosecond", func(e *everything) { e.At = e.At.Add(1) }, "at"},
		{"a wallet", func(e *everything) { e.Wallet[19] = 1 }, "wallet"},
		{"two at once", func(e *everything) { e.Name, e.Pair[1] = "b", 9 }, "name pair[1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			here, there := some(), some()
			c.change(&there)
			if got := paths(compareThem(here, overTheWire(t, there))); got != c.want {
				t.Errorf("differs at %q, want %q", got, c.want)
			}
			if got := paths(compareThem(there, overTheWire(t, here))); got != c.want {
				t.Errorf("the other way round at %q, want %q", got, c.want)
			}
		})
	}
}

func TestAnEmptyListEqualsANilOne(t *testing.T) {
	here, there := everything{List: []inner{}, Map: map[string]inner{}}, everything{}
	if got := compareThem(here, there); len(got) > 0 {
		t.Errorf("differs: %+v", got)
	}
}

func TestRulesOfComparison(t *testing.T) {
	here, there := some(), some()
	there.List[1].Score += 1e-12
	there.List[0].Count += 2
	there.Map["x"] = inner{9, 9}
	there.Map["y"] = inner{2, 9}
	there.Free["n"] = 3
	there.Any = 17
	for _, c := range []struct {
		name    string
		options []declaration
		want    string
	}{
		{"none", nil, "list[0].count list[1].score map.x.score map.x.count map.y.count free.n any"},
		{"ignored", []declaration{ignore("list"), ignore("map.x"), ignore("any"), ignore("free.n"), ignore("map.*.count")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := paths(compareThem(here, overTheWire(t, there), c.options...)); got != c.want {
				t.Errorf("differs at %q, want %q", got, c.want)
			}
		})
	}
}

func TestAMistakenRuleIsRefused(t *testing.T) {
	for name, declare := range map[string]declaration{
		"no such field":   ignore("lists"),
		"no field below":  ignore("name.first"),
		"not in the JSON": ignore("Left"),
	} {
		var rules Rules
		if err := declare(&rules, reflect.TypeFor[everything]()); err == nil || len(rules) != 0 {
			t.Errorf("%s was taken: %v, %v", name, err, rules)
		}
	}
}

func TestACopySharesNothingThatChanges(t *testing.T) {
	original := some()
	copy := Copy(original, ClonerOf(reflect.TypeFor[everything]()))
	if !reflect.DeepEqual(original, copy) {
		t.Fatalf("the copy is %+v", copy)
	}
	original.List[0].Score, original.Raw[0] = 9, 'x'
	original.Map["x"] = inner{9, 9}
	original.Free["deep"].(map[string]any)["list"].([]any)[0] = "changed"
	original.Pointer.Count = 9
	if want := some(); !reflect.DeepEqual(copy, want) {
		t.Errorf("a change of the original shows: %+v", copy)
	}
}

type branch struct {
	Name     string   `json:"name"`
	Children []branch `json:"children"`
}

func TestATypeThatContainsItself(t *testing.T) {
	original := branch{"a", []branch{{"b", []branch{{"c", nil}}}}}
	copy := Copy(original, ClonerOf(reflect.TypeFor[branch]()))
	original.Children[0].Children[0].Name = "changed"
	if got := paths(compareThem(copy, original)); got != "children[0].children[0].name" {
		t.Errorf("differs at %q", got)
	}
}

func TestWhatIsBehindAPointerIsCopied(t *testing.T) {
	type rooted struct {
		Root *branch `json:"root"`
	}
	original := rooted{&branch{"a", []branch{{"b", nil}}}}
	copy := Copy(original, ClonerOf(reflect.TypeFor[rooted]()))
	original.Root.Name, original.Root.Children[0].Name = "changed", "changed"
	if got := paths(compareThem(copy, original)); got != "root.name root.children[0].name" {
		t.Errorf("differs at %q", got)
	}
}

func TestFlatValuesAreCopiedByAssignment(t *testing.T) {
	for _, v := range []any{inner{}, wallet.Address{}, time.Time{}, "text", [3]inner{}} {
		if ClonerOf(reflect.TypeOf(v)) != nil {
			t.Errorf("%T needs a cloner", v)
		}
	}
}

// Whatever the numbers and texts are: what went over the wire and nothing else
// is equal, and a changed score is found.
func TestComparingIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := inner{rapid.Float64().Draw(t, "score"), rapid.Uint64().Draw(t, "count")}
		e := everything{
			Name: rapid.String().Draw(t, "name"), List: []inner{one}, Map: map[string]inner{rapid.StringMatching(`[a-z.]*`).Draw(t, "key"): one},
			Free: map[string]any{"score": one.Score, "count": one.Count, "text": rapid.String().Draw(t, "text")},
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back everything
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		back.Name = e.Name // JSON replaces what is not UTF-8; the answer's own text is not the subject here
		back.Free["text"] = e.Free["text"]
		if found := compareThem(e, back); len(found) > 0 {
			t.Fatalf("differs: %+v", found)
		}
		back.List[0].Count++
		if got := paths(compareThem(e, back)); got != "list[0].count" {
			t.Fatalf("differs at %q", got)
		}
	})
}
