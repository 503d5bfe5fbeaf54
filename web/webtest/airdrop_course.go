package webtest

import (
	"context"
	"io"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/platform/seam"
)

// course returns the course of a campaign. It is called with the lock held.
func (m *Airdrop) course(id string) (*airdrop.Course, error) {
	if _, err := m.find(id); err != nil {
		return nil, err
	}
	if c := m.Courses[id]; c != nil {
		return c, nil
	}
	return nil, fault.NoSuch("rules", "the campaign has no rules: set them, or upload a list")
}

// change changes a course.
func (m *Airdrop) change(id string, change func(*airdrop.Course)) (airdrop.Course, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.course(id)
	if err != nil {
		return airdrop.Course{}, err
	}
	change(c)
	for _, d := range m.drops {
		if d.ID == id {
			d.Phase = c.Phase
		}
	}
	return *c, nil
}

// SetRules sets them, with one source.
func (m *Airdrop) SetRules(_ context.Context, q airdrop.RulesDraft) (airdrop.Course, error) {
	m.mu.Lock()
	if m.Courses == nil {
		m.Courses = make(map[string]*airdrop.Course)
	}
	if m.Courses[q.ID] == nil {
		m.Courses[q.ID] = &airdrop.Course{Campaign: q.ID}
	}
	m.mu.Unlock()
	return m.change(q.ID, func(c *airdrop.Course) {
		c.Phase, c.Rules, c.Sources = airdrop.Draft, q.Rules, []airdrop.CourseSource{{Name: "members", Kind: "list"}, {Name: "trusted", Kind: "reputation", Collected: true}, {Name: "clusters", Kind: "sybils"}}
	})
}

// UploadInput sets the file of a source.
func (m *Airdrop) UploadInput(_ context.Context, q airdrop.InputUpload) (airdrop.Course, error) {
	text, err := io.ReadAll(q.Body)
	if err != nil {
		return airdrop.Course{}, err
	}
	return m.change(q.ID, func(c *airdrop.Course) {
		for i := range c.Sources {
			if c.Sources[i].Name == q.Source {
				c.Sources[i].File, c.Sources[i].Bytes, c.Sources[i].Rows = q.Name, int64(len(text)), 3
			}
		}
	})
}

// InputFile has none.
func (m *Airdrop) InputFile(context.Context, airdrop.InputQuery) (seam.Stream, error) {
	return seam.Stream{}, fault.NoSuch("input", "the source has no file yet")
}

// Collect makes Previewed the preview at once.
func (m *Airdrop) Collect(_ context.Context, q airdrop.CourseChange) (airdrop.Course, error) {
	return m.change(q.ID, func(c *airdrop.Course) { c.Phase, c.Preview = airdrop.Previewed, c.Preview+1 })
}

// Course returns it.
func (m *Airdrop) Course(_ context.Context, q airdrop.CourseQuery) (airdrop.Course, error) {
	return m.change(q.ID, func(*airdrop.Course) {})
}

// Preview returns Previewed.
func (m *Airdrop) Preview(_ context.Context, q airdrop.CourseQuery) (airdrop.CoursePreview, error) {
	c, err := m.change(q.ID, func(*airdrop.Course) {})
	if err == nil && c.Preview == 0 {
		err = fault.NoSuch("preview", "there is no preview yet")
	}
	return airdrop.CoursePreview{Campaign: q.ID, Number: c.Preview, TimeMS: m.NowMS(), Preview: m.Previewed}, err
}

// Why says the same of each wallet.
func (m *Airdrop) Why(_ context.Context, q airdrop.WhyQuery) (airdrop.Why, error) {
	_, err := m.change(q.ID, func(*airdrop.Course) {})
	return airdrop.Why{Campaign: q.ID, Wallet: q.Wallet, Reason: "not eligible: not in members", Final: true}, err
}

// Freeze freezes.
func (m *Airdrop) Freeze(_ context.Context, q airdrop.FreezeRequest) (airdrop.Course, error) {
	return m.change(q.ID, func(c *airdrop.Course) { c.Phase = airdrop.Frozen })
}

// Manifest is empty.
func (m *Airdrop) Manifest(context.Context, airdrop.CourseQuery) (seam.Stream, error) {
	return seam.Stream{ContentType: "application/json", Write: func(w io.Writer) error {
		_, err := io.WriteString(w, "{}\n")
		return err
	}}, nil
}

// Advance moves on.
func (m *Airdrop) Advance(_ context.Context, q airdrop.PhaseChange) (airdrop.Course, error) {
	return m.change(q.ID, func(c *airdrop.Course) { c.Phase, c.Reason = q.Phase, q.Reason })
}

// Cancel ends it.
func (m *Airdrop) Cancel(_ context.Context, q airdrop.PhaseChange) (airdrop.Course, error) {
	return m.change(q.ID, func(c *airdrop.Course) { c.Phase, c.Reason = airdrop.Cancelled, q.Reason })
}
