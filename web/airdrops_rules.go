package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"banyan/modules/airdrop"
	"banyan/platform/fault"
	"banyan/web/ui"
)

// operateRules adds the forms of a campaign with rules.
func (p *airdropPages) operateRules(r chi.Router) {
	show := func(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
		return p.showRules(rw, r, status, done)
	}
	r.Post("/operator/campaigns/{id}/rules", p.site.Form(p.site.Operate("/airdrops/{id}/rules", p.setRules, show)))
	r.Post("/operator/campaigns/{id}/rules/compose", p.site.Form(func(rw http.ResponseWriter, r *http.Request) error {
		return show(rw, r, http.StatusOK, nil) // what was chosen is written into the rules, and not kept yet
	}))
	r.Post("/operator/campaigns/{id}/inputs/{source}", p.site.Handle(p.site.Upload("/airdrops/{id}/rules", p.uploadInput, show)))
	r.Post("/operator/campaigns/{id}/collect", p.site.Form(p.site.Operate("/airdrops/{id}/rules", p.collect, show)))
	r.Post("/operator/campaigns/{id}/freeze", p.site.Form(p.site.Operate("/airdrops/{id}/rules", p.freeze, show)))
	r.Post("/operator/campaigns/{id}/advance", p.site.Form(p.site.Operate("/airdrops/{id}/rules", p.advance, show)))
	r.Post("/operator/campaigns/{id}/suspects", p.site.Form(p.site.Operate("/airdrops/{id}/suspects", p.decideSuspects, p.showSuspects)))
	r.Post("/operator/campaigns/{id}/cancel", p.site.Form(p.site.Operate("/airdrops/{id}/rules", p.cancel, show)))
}

// rulesData is the data of the template airdrops/rules.
type rulesData struct {
	Campaign airdrop.Campaign
	Course   *airdrop.Course // nil: there are no rules yet
	Preview  *airdrop.CoursePreview
	Hidden   bool // there is a preview, and it is not for this caller
	Bins     []binRow
	Lorenz   template.HTML
	Rules    string // as they stand in the form
	Form     rulesForm
	Next     string // the phase that Advance leads to; "" = none
	Open     bool   // the rules can be changed
	Final    bool
	Outcome  *ui.Outcome
	Missing  *ui.Missing
}

// Percent is the share of the part done, of the work that runs.
func (d rulesData) Percent() int {
	if d.Course == nil || d.Course.Work == 0 {
		return 0
	}
	return int(100 * d.Course.Progress / d.Course.Work)
}

// Suspected reports whether a source flags wallets as many of one person.
func (d rulesData) Suspected() bool {
	return d.Course != nil && slices.ContainsFunc(d.Course.Sources, func(s airdrop.CourseSource) bool { return s.Kind == "sybils" })
}

// Gas says what the claimers of the preview pay, in words.
func (d rulesData) Gas() string {
	rows := d.Preview.Preview.Count
	inOrder, random, ofFifty := airdrop.ClaimGas(rows)
	return fmt.Sprintf("about %s to %s for a claim, %s each where somebody claims for 50 at once; %s million for all, one by one",
		ui.Number(inOrder), ui.Number(random), ui.Number(ofFifty), ui.Number((inOrder*rows+500_000)/1_000_000))
}

// binRow is a bar of the histogram.
type binRow struct {
	airdrop.Bin
	Part float64 // of the fullest bin
}

func (p *airdropPages) rules(rw http.ResponseWriter, r *http.Request) error {
	return p.showRules(rw, r, http.StatusOK, nil)
}

// showRules shows how far a campaign with rules is; to operators with the forms.
func (p *airdropPages) showRules(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	id := chi.URLParam(r, "id")
	c, err := p.service.Campaign(r.Context(), airdrop.CampaignQuery{ID: id})
	if err != nil {
		return err
	}
	d := rulesData{Campaign: c, Outcome: done, Form: rulesFormOf(r), Open: c.State != airdrop.Built}
	course, err := p.service.Course(r.Context(), airdrop.CourseQuery{ID: id})
	switch {
	case err == nil:
		d.Course, d.Rules, d.Next = &course, course.Rules, airdrop.After(course.Phase)
		d.Open = course.Phase == airdrop.Draft || course.Phase == airdrop.Previewed
		d.Final = !d.Open && course.Phase != airdrop.Collecting && course.Root != nil
	case !fault.Is(err, fault.NotFound):
		d.Missing = ui.Part(r.Context(), err, "Airdrops", "how far this campaign is")
	}
	if typed := r.PostForm.Get("rules"); typed != "" {
		d.Rules = strings.ReplaceAll(typed, "\r\n", "\n")
	}
	if d.Form.Chosen {
		d.Rules = d.Form.YAML(c.Decimals)
	}
	if d.Course != nil && course.Preview > 0 {
		p.addPreview(r, &d)
	}
	return p.site.Show(rw, r, status, "airdrops/rules", ui.Page{
		Title: c.Name + ": who gets what", Nav: "/airdrops", Data: d,
		Description: fmt.Sprintf("%s: the rules by which wallets get something, how much, and who was left out.", c.Name),
	})
}

func (p *airdropPages) addPreview(r *http.Request, d *rulesData) {
	shown, err := p.service.Preview(r.Context(), airdrop.CourseQuery{ID: d.Campaign.ID})
	switch {
	case fault.Is(err, fault.Forbidden):
		d.Hidden = true
	case err != nil:
		d.Missing = ui.Part(r.Context(), err, "Airdrops", "the preview")
	default:
		d.Preview = &shown
		most := 1
		for _, b := range shown.Preview.Histogram {
			most = max(most, b.Count)
		}
		for _, b := range shown.Preview.Histogram {
			d.Bins = append(d.Bins, binRow{b, float64(b.Count) / float64(most)})
		}
		d.Lorenz = lorenz(shown.Preview.LorenzPPM)
	}
}

// lorenz draws which share of the total the poorest have. Its text says a few points
// of the curve.
func lorenz(ppm []int) template.HTML {
	if len(ppm) < 2 {
		return ""
	}
	const size, million = 200, 1_000_000
	var line strings.Builder
	var points []string
	for i, share := range ppm {
		fmt.Fprintf(&line, "%.1f,%.1f ", float64(i)*size/float64(len(ppm)-1), size-float64(share)*size/million)
		if i == (len(ppm)-1)/2 || i == (len(ppm)-1)*9/10 {
			points = append(points, fmt.Sprintf("the poorest %d %% get %.1f %%", i*100/(len(ppm)-1), float64(share)/10_000))
		}
	}
	return ui.Markup(`<svg class="chart lorenz" viewBox="-2 -2 204 204" role="img" aria-label="Lorenz curve: %s."><g aria-hidden="true"><rect class="track" width="200" height="200"/><polyline class="even" points="0,200 200,0"/><polyline class="curve" points="%s"/></g></svg>`,
		strings.Join(points, "; "), strings.TrimSpace(line.String()))
}

func (p *airdropPages) setRules(_ http.ResponseWriter, r *http.Request) (string, error) {
	text := strings.ReplaceAll(r.PostForm.Get("rules"), "\r\n", "\n")
	c, err := p.service.SetRules(r.Context(), airdrop.RulesDraft{ID: chi.URLParam(r, "id"), Rules: text})
	if err != nil {
		return "", err
	}
	return "The rules are kept. " + ui.Plural(len(c.Sources), "source is", "sources are") + " used: upload the files that are missing, then make a preview.", nil
}

func (p *airdropPages) uploadInput(r *http.Request, u ui.Uploaded) (string, error) {
	source := chi.URLParam(r, "source")
	c, err := p.service.UploadInput(r.Context(), airdrop.InputUpload{ID: chi.URLParam(r, "id"), Source: source, Name: r.PostForm.Get("name"), Body: u.File})
	if err != nil {
		return "", err
	}
	for _, s := range c.Sources {
		if s.Name == source {
			return "The file of " + source + " is stored: " + ui.Plural(s.Rows, "row", "rows") + ".", nil
		}
	}
	return "The file is stored.", nil
}

func (p *airdropPages) collect(_ http.ResponseWriter, r *http.Request) (string, error) {
	_, err := p.service.Collect(r.Context(), airdrop.CourseChange{ID: chi.URLParam(r, "id")})
	return "The sources are being collected and the rules evaluated. The page shows how far it is.", err
}

func (p *airdropPages) freeze(_ http.ResponseWriter, r *http.Request) (string, error) {
	number, err := strconv.ParseInt(r.PostForm.Get("preview"), 10, 64)
	if err != nil {
		return "", fault.New(fault.Invalid, "the form arrived incomplete: open the page again")
	}
	c, err := p.service.Freeze(r.Context(), airdrop.FreezeRequest{ID: chi.URLParam(r, "id"), Preview: number})
	if err != nil {
		return "", err
	}
	if c.Root == nil {
		return "The tree is being built. The page shows when it is done.", nil
	}
	return "The list is frozen. Its root is final: publish it where people can compare it.", nil
}

func (p *airdropPages) advance(_ http.ResponseWriter, r *http.Request) (string, error) {
	c, err := p.service.Advance(r.Context(), airdrop.PhaseChange{ID: chi.URLParam(r, "id"), Phase: r.PostForm.Get("phase"), Reason: r.PostForm.Get("reason")})
	return "The campaign is " + c.Phase + " now.", err
}

func (p *airdropPages) cancel(_ http.ResponseWriter, r *http.Request) (string, error) {
	_, err := p.service.Cancel(r.Context(), airdrop.PhaseChange{ID: chi.URLParam(r, "id"), Reason: r.PostForm.Get("reason")})
	return "The campaign is cancelled.", err
}
