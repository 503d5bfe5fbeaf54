package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"banyan/platform/seam"
)

// compare returns what the kept files have and today's contract has not (broken),
// and what is new in it (changed).
func compare(kept, now snapshot) (broken, changed []string) {
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		text, still := now[name]
		switch {
		case !still:
			broken = append(broken, name+" is in the repository and not in the contract any more")
		case name == operationsFile:
			b, c := compareOperations(kept[name], text)
			broken, changed = append(broken, b...), append(changed, c...)
		case !bytes.Equal(kept[name], text):
			if lost := missing(name, kept[name], text); len(lost) > 0 {
				broken = append(broken, lost...)
			} else {
				changed = append(changed, name+" has new fields")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if _, there := kept[name]; !there {
			changed = append(changed, name+" is not in the repository")
		}
	}
	return broken, changed
}

func compareOperations(kept, now []byte) (broken, changed []string) {
	var before, after []operation
	if err := json.Unmarshal(kept, &before); err != nil {
		return []string{operationsFile + " cannot be read: " + err.Error()}, nil
	}
	_ = json.Unmarshal(now, &after) // written by take
	today := make(map[string]operation)
	for _, o := range after {
		today[o.ID] = o
	}
	for _, was := range before {
		is, still := today[was.ID]
		delete(today, was.ID)
		if !still {
			broken = append(broken, "the operation "+was.ID+" is gone")
			continue
		}
		if is.Access != was.Access {
			changed = append(changed, fmt.Sprintf("the operation %s was for %s and is for %s", was.ID, was.Access, is.Access))
		}
		is.Access = was.Access
		if is != was {
			broken = append(broken, fmt.Sprintf("the operation %s was %+v and is %+v", was.ID, was, is))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(today)) {
		changed = append(changed, "the operation "+id+" is new")
	}
	return broken, changed
}

// missing returns what the new document does not have of the old one, or has with
// another value.
func missing(name string, before, now []byte) []string {
	old, err := parse(before)
	if err != nil {
		return []string{name + " cannot be read: " + err.Error()}
	}
	today, err := parse(now)
	if err != nil {
		return []string{name + " of today cannot be read: " + err.Error()}
	}
	return lost(strings.TrimSuffix(name, ".json"), old, today)
}

func parse(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // 64-bit numbers stay whole
	err = d.Decode(&value)
	return value, err
}

// lost returns the differences below path, for everything in the old document.
func lost(path string, old, now any) (all []string) {
	switch old := old.(type) {
	case map[string]any:
		today, ok := now.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s was an object and is %s", path, short(now))}
		}
		for _, key := range slices.Sorted(maps.Keys(old)) {
			value, there := today[key]
			switch {
			case !there:
				all = append(all, path+"."+key+" is gone")
			case path+"."+key == target(path):
				all = append(all, lostTarget(path, old[key], value)...)
			default:
				all = append(all, lost(path+"."+key, old[key], value)...)
			}
		}
		return all
	case []any:
		today, ok := now.([]any)
		if !ok || len(today) != len(old) {
			return []string{fmt.Sprintf("%s was a list of %d and is %s", path, len(old), short(now))}
		}
		for i := range old {
			all = append(all, lost(fmt.Sprintf("%s[%d]", path, i), old[i], today[i])...)
		}
		return all
	}
	if !reflect.DeepEqual(old, now) {
		return []string{fmt.Sprintf("%s was %s and is %s", path, short(old), short(now))}
	}
	return nil
}

func short(value any) string {
	text, _ := json.Marshal(value) // decoded from JSON: cannot fail
	if len(text) > 60 {
		return string(text[:60]) + "…"
	}
	return string(text)
}

// target returns the path of a request's target in its document.
func target(path string) string {
	if strings.HasSuffix(path, ".request") {
		return path + ".target"
	}
	return ""
}

// lostTarget compares URLs: a new parameter of the query is allowed.
func lostTarget(path string, old, now any) (all []string) {
	before, err1 := url.Parse(fmt.Sprint(old))
	today, err2 := url.Parse(fmt.Sprint(now))
	if err1 != nil || err2 != nil || before.EscapedPath() != today.EscapedPath() {
		return []string{fmt.Sprintf("%s was %v and is %v", path, old, now)}
	}
	has := today.Query()
	for name, values := range before.Query() {
		if !slices.Equal(values, has[name]) {
			all = append(all, fmt.Sprintf("%s had the parameter %s=%s, which is %q now", path, name, strings.Join(values, ","), has[name]))
		}
	}
	slices.Sort(all)
	return all
}

// readAll decodes every kept request and answer with today's types and checks that
// nothing is lost: an older client at this server, and an older
// server at this client.
func (s *stage) readAll(kept snapshot) (problems []error) {
	for _, i := range s.contract.Operations() {
		for _, suffix := range []string{requestSuffix, answerSuffix} {
			text, there := kept[i.ID+suffix]
			if !there {
				continue
			}
			again, err := s.reread(i, suffix, text)
			if err != nil {
				problems = append(problems, fmt.Errorf("contract %s: %s cannot be read with today's types: %w", s.contract.Module, i.ID+suffix, err))
				continue
			}
			for _, what := range missing(i.ID+suffix, text, again) {
				problems = append(problems, fmt.Errorf("contract %s: read with today's types, %s", s.contract.Module, what))
			}
		}
	}
	return problems
}

func (s *stage) reread(i seam.Info, suffix string, text []byte) ([]byte, error) {
	request, err := s.filler.example(i.Request)
	if err != nil {
		return nil, err
	}
	sent, err := encode(i, request)
	if err != nil {
		return nil, err
	}
	if suffix == answerSuffix {
		answer := reflect.New(i.Answer)
		if err := json.Unmarshal(text, answer.Interface()); err != nil {
			return nil, err
		}
		_, again, err := s.exchange(i, sent, answer.Elem().Interface())
		return again, err
	}
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	none := reflect.Zero(i.Answer).Interface()
	if i.Streams {
		none = seam.Stream{ContentType: "application/x-ndjson", Write: writeNothing}
	}
	got, _, err := s.exchange(i, m, none)
	if err != nil {
		return nil, err
	}
	again, err := encode(i, got)
	if err != nil {
		return nil, err
	}
	return json.Marshal(again)
}
