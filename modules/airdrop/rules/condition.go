package rules

import (
	"regexp"
	"strings"

	"github.com/holiman/uint256"
	"go.yaml.in/yaml/v3"
)

var comparison = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)?)\s*(>=|<=|>|<|=)\s*(\S+)$`)

// condition reads a condition: a text, or any, all or not of others.
func (p *parser) condition(n *yaml.Node, depth int) *condition {
	if p.conditions++; p.conditions > maxConditions {
		if p.conditions == maxConditions+1 {
			p.wrong(n.Line, "", "the rules have more than %d conditions: put wallets into a list, or split the campaign", maxConditions)
		}
		return &condition{line: n.Line, do: anyOf}
	}
	if depth > maxDepth {
		p.wrong(n.Line, "", "is nested more than %d levels deep: give parts of it a name below groups", maxDepth)
		return &condition{line: n.Line, do: anyOf}
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return p.named1(n)
	case yaml.MappingNode:
		return p.combined(n, depth)
	}
	p.wrong(n.Line, "", "is no condition: write the name of a source, a comparison, or any:, all: or not: before the list")
	return &condition{line: n.Line, do: anyOf}
}

// combined reads any, all or not.
func (p *parser) combined(n *yaml.Node, depth int) *condition {
	c := &condition{line: n.Line, do: anyOf}
	fields := p.mapping(n, "condition", "any", "all", "not")
	if len(fields) != 1 {
		if fields != nil {
			p.wrong(n.Line, "condition", "has one of any, all and not, not %d", len(fields))
		}
		return c
	}
	for text, value := range fields {
		c.text = text
		switch text {
		case "not":
			c.do = notThis
			c.of = []*condition{p.condition(value, depth+1)}
			return c
		case "all":
			c.do = allOf
		}
		items := p.items(value, text, maxConditions)
		if len(items) == 0 && len(p.problems) == 0 {
			p.wrong(value.Line, text, "has no conditions: write one on each line, with - before it")
		}
		for _, item := range items {
			c.of = append(c.of, p.condition(item, depth+1))
		}
	}
	return c
}

// named1 reads the name of a source or group, or a comparison.
func (p *parser) named1(n *yaml.Node) *condition {
	text := p.text(n, "condition")
	c := &condition{line: n.Line, text: text, do: inSource}
	if m := comparison.FindStringSubmatch(text); m != nil {
		source, value, ok := p.valueOf(n.Line, "condition", m[1])
		if !ok {
			return c
		}
		c.do, c.source, c.value, c.sign = compare, source, value, m[2]
		of := p.rules.Sources[source].Values[value]
		number, err := plainNumber(m[3], of.Decimals)
		if err != nil {
			p.wrong(n.Line, "condition", "%q %s (%s has %d decimals)", short(m[3]), err, m[1], of.Decimals)
			return c
		}
		c.number = number
		return c
	}
	known := make([]string, 0, len(p.rules.Sources)+len(p.rules.groups))
	for i, s := range p.rules.Sources {
		if s.Name == text {
			c.source = i
			return c
		}
		known = append(known, s.Name)
	}
	for i, g := range p.rules.groups {
		if g.name == text {
			c.do, c.group = inGroup, i
			return c
		}
		known = append(known, g.name)
	}
	what := "there is no source or group of this name"
	if strings.ContainsAny(text, "<>=") {
		what = "is no comparison, as in holders >= 100"
	}
	p.wrong(n.Line, "condition", "%q: %s%s", short(text), what, meant(text, known))
	return c
}

// loops refuses groups that need themselves.
func (p *parser) loops() {
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(p.rules.groups))
	var path []string
	var visit func(g int) bool
	var look func(c *condition) bool
	look = func(c *condition) bool {
		if c == nil {
			return true
		}
		if c.do == inGroup {
			return visit(c.group)
		}
		for _, of := range c.of {
			if !look(of) {
				return false
			}
		}
		return true
	}
	visit = func(g int) bool {
		here := &p.rules.groups[g]
		switch state[g] {
		case done:
			return true
		case open:
			p.wrong(here.line, "groups", "%s needs itself: %s; take one of them out", here.name, strings.Join(append(path, here.name), " → "))
			return false
		}
		state[g] = open
		path = append(path, here.name)
		ok := look(here.is)
		path = path[:len(path)-1]
		state[g] = done
		return ok
	}
	for g := range p.rules.groups {
		if !visit(g) {
			return
		}
	}
}

// number256 is the number that a value is compared with.
func number256(c *condition) *uint256.Int { return uint256.MustFromBig(c.number) }
