package demo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"banyan/platform/identity"
	"banyan/platform/seam"
	"banyan/web/demo"
)

// TestTheCommunityTakesItsStepsInOrder: each finds what those before it have
// made, in the community's time; what finishes them comes last, today.
func TestTheCommunityTakesItsStepsInOrder(t *testing.T) {
	c := demo.New()
	var done []string
	past := func() bool { return time.Since(c.Now()) > 24*time.Hour }
	part := func(name string) demo.Part {
		return demo.Part{Fill: func(ctx context.Context, _ *demo.Community, _ *seam.Route) (demo.Made, error) {
			if identity.From(ctx).Role < identity.Operator || !past() {
				t.Errorf("%s is not filled by an operator of half a year ago", name)
			}
			done = append(done, name)
			return demo.Made{What: "3 " + name, Finish: func(context.Context) error {
				if past() {
					t.Errorf("%s is not finished today", name)
				}
				done = append(done, "finish "+name)
				return nil
			}}, nil
		}}
	}
	made, err := c.Fill(t.Context(), []demo.Step{part("things").Step("provenance", nil), part("deeds").Step("deeds", nil)})
	if err != nil || len(made) != 2 || made[1].What != "3 deeds" {
		t.Fatalf("made %+v, %v", made, err)
	}
	if want := []string{"things", "deeds", "finish things", "finish deeds"}; !slices.Equal(done, want) {
		t.Errorf("done %v, want %v", done, want)
	}
}

func TestAStepThatFailsIsNamed(t *testing.T) {
	broken := errors.New("no disk")
	part := demo.Part{Fill: func(context.Context, *demo.Community, *seam.Route) (demo.Made, error) { return demo.Made{}, broken }}
	if _, err := demo.New().Fill(t.Context(), []demo.Step{part.Step("provenance", nil)}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "provenance") {
		t.Errorf("the error is %v, want one that names the module", err)
	}
	if settings := (demo.Part{}).Settings(demo.New()); len(settings) != 0 {
		t.Errorf("a module that the demo leaves out has the settings %v", settings)
	}
	if seeds := demo.Reputation().Settings(demo.New())["reputation.seeds"]; strings.Count(seeds, "0x") != demo.Seeds {
		t.Errorf("the seeds are %s", seeds)
	}
}
