package airdrop

import (
	"context"

	"banyan/platform/seam"
)

var (
	setRules = seam.Write[RulesDraft, Course](Contract, "setRules", "PUT /campaigns/{id}/rules", seam.Operators,
		"Say in rules who gets what", seam.Idempotent())
	uploadInput = seam.Write[InputUpload, Course](Contract, "uploadInput", "PUT /campaigns/{id}/inputs/{source}", seam.Operators,
		"Set the file of a source of the rules")
	inputFile = seam.Read[InputQuery, seam.Stream](Contract, "inputFile", "GET /campaigns/{id}/inputs/{source}", seam.Operators,
		"The file that a source was read from")
	collect = seam.Write[CourseChange, Course](Contract, "collect", "POST /campaigns/{id}/collect", seam.Operators,
		"Collect the sources, evaluate the rules and make a preview", seam.Idempotent())
	course = seam.Read[CourseQuery, Course](Contract, "course", "GET /campaigns/{id}/course", seam.Public,
		"How far a campaign with rules is")
	preview = seam.Read[CourseQuery, CoursePreview](Contract, "preview", "GET /campaigns/{id}/preview", seam.Public,
		"How much goes to how many, and who is left out")
	why = seam.Read[WhyQuery, Why](Contract, "why", "GET /campaigns/{id}/why/{wallet}", seam.Public,
		"What a wallet gets and why, or why nothing")
	freeze = seam.Write[FreezeRequest, Course](Contract, "freeze", "POST /campaigns/{id}/freeze", seam.Operators,
		"Make a previewed list the campaign's for good, and build its tree", seam.Idempotent())
	manifest = seam.Read[CourseQuery, seam.Stream](Contract, "manifest", "GET /campaigns/{id}/manifest", seam.Public,
		"What a frozen list was computed from")
	advance = seam.Write[PhaseChange, Course](Contract, "advance", "POST /campaigns/{id}/advance", seam.Operators,
		"Move a frozen campaign one phase on", seam.Idempotent())
	cancelCampaign = seam.Write[PhaseChange, Course](Contract, "cancel", "POST /campaigns/{id}/cancel", seam.Operators,
		"End a campaign", seam.Idempotent())
)

func bindCourses(s Courses) []seam.Binding {
	return []seam.Binding{
		setRules.To(s.SetRules),
		uploadInput.To(s.UploadInput),
		inputFile.To(s.InputFile),
		collect.To(s.Collect),
		course.To(s.Course),
		preview.To(s.Preview),
		why.To(s.Why),
		freeze.To(s.Freeze),
		manifest.To(s.Manifest),
		advance.To(s.Advance),
		cancelCampaign.To(s.Cancel),
	}
}

// SetRules implements Courses.
func (c Client) SetRules(ctx context.Context, q RulesDraft) (Course, error) {
	return setRules.Call(ctx, c.route, q)
}

// UploadInput implements Courses.
func (c Client) UploadInput(ctx context.Context, q InputUpload) (Course, error) {
	return uploadInput.Call(ctx, c.route, q)
}

// InputFile implements Courses.
func (c Client) InputFile(ctx context.Context, q InputQuery) (seam.Stream, error) {
	return inputFile.Call(ctx, c.route, q)
}

// Collect implements Courses.
func (c Client) Collect(ctx context.Context, q CourseChange) (Course, error) {
	return collect.Call(ctx, c.route, q)
}

// Course implements Courses.
func (c Client) Course(ctx context.Context, q CourseQuery) (Course, error) {
	return course.Call(ctx, c.route, q)
}

// Preview implements Courses.
func (c Client) Preview(ctx context.Context, q CourseQuery) (CoursePreview, error) {
	return preview.Call(ctx, c.route, q)
}

// Why implements Courses.
func (c Client) Why(ctx context.Context, q WhyQuery) (Why, error) {
	return why.Call(ctx, c.route, q)
}

// Freeze implements Courses.
func (c Client) Freeze(ctx context.Context, q FreezeRequest) (Course, error) {
	return freeze.Call(ctx, c.route, q)
}

// Manifest implements Courses.
func (c Client) Manifest(ctx context.Context, q CourseQuery) (seam.Stream, error) {
	return manifest.Call(ctx, c.route, q)
}

// Advance implements Courses.
func (c Client) Advance(ctx context.Context, q PhaseChange) (Course, error) {
	return advance.Call(ctx, c.route, q)
}

// Cancel implements Courses.
func (c Client) Cancel(ctx context.Context, q PhaseChange) (Course, error) {
	return cancelCampaign.Call(ctx, c.route, q)
}
