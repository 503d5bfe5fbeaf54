package keccak

import (
	"fmt"
	"os"
	"strings"
)

// Variable is the environment variable that overrides the choice, for tests
// and measurements.
const Variable = "BANYAN_KECCAK"

// Best is the fastest engine this processor has, or the one that
// BANYAN_KECCAK names. It fails when that engine is unknown or cannot run here.
func Best() (Engine, error) {
	name := os.Getenv(Variable)
	if name == "" {
		return Engines()[0], nil
	}
	engine, err := Named(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Variable, err)
	}
	return engine, nil
}

// Named finds an engine that runs on this processor by its name.
func Named(name string) (Engine, error) {
	var names []string
	for _, engine := range Engines() {
		if engine.Name() == name {
			return engine, nil
		}
		names = append(names, engine.Name())
	}
	return nil, fmt.Errorf("no Keccak engine is called %q here: this processor runs %s", name, strings.Join(names, ", "))
}
