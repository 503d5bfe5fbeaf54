package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"banyan/modules/reputation"
	"banyan/platform/config"
	"banyan/platform/fault"
	"banyan/web/ui"
)

const schedulePath = "/operator/schedule"

// operateSchedule adds the operator page that says when epochs are computed.
func (p *reputationPages) operateSchedule(r chi.Router) {
	show := p.showSchedule
	r.Get(schedulePath, p.site.ForOperators(func(rw http.ResponseWriter, r *http.Request) error { return show(rw, r, http.StatusOK, nil) }))
	r.Post(schedulePath, p.site.Form(p.site.Operate(schedulePath, p.setSchedule, show)))
	r.Post(schedulePath+"/run", p.site.Form(p.site.Operate(schedulePath, p.computeEpoch, show)))
	r.Post(schedulePath+"/cancel", p.site.Form(p.site.Operate(schedulePath, p.cancelEpoch, show)))
}

// scheduleData is the data of the template reputation/schedule.
type scheduleData struct {
	Outcome   *ui.Outcome
	Schedule  reputation.Schedule
	Interval  config.Interval
	Computing *reputation.Computing // nil: nothing was ever computed
	Running   bool
	Epochs    []reputation.Epoch
}

func (p *reputationPages) showSchedule(rw http.ResponseWriter, r *http.Request, status int, done *ui.Outcome) error {
	ctx, d := r.Context(), scheduleData{Outcome: done}
	var errs [3]error
	ui.Together(func() {
		d.Schedule, errs[0] = p.service.Schedule(ctx, reputation.ScheduleQuery{})
	}, func() {
		var computing reputation.Computing
		if computing, errs[1] = p.service.ComputingEpoch(ctx, reputation.ComputingQuery{}); errs[1] == nil {
			d.Computing = &computing
			d.Running = computing.State == reputation.ComputingWaiting || computing.State == reputation.ComputingRunning
		} else if fault.Is(errs[1], fault.NotFound) {
			errs[1] = nil
		}
	}, func() {
		var page reputation.EpochPage
		page, errs[2] = p.service.Epochs(ctx, reputation.EpochsQuery{Limit: 10})
		d.Epochs = page.Epochs
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	d.Interval = config.Interval(time.Duration(d.Schedule.Seconds) * time.Second)
	return p.site.Show(rw, r, status, "reputation/schedule", ui.Page{Title: "Schedule of epochs", Nav: "/operator", Data: d})
}

func (p *reputationPages) setSchedule(_ http.ResponseWriter, r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "the form arrived incomplete: load the page again and send it once more")
	}
	var draft reputation.ScheduleDraft
	if r.PostForm.Get("every") != "setting" {
		var every config.Interval
		text := r.PostForm.Get("every")
		if text == "other" {
			text = r.PostForm.Get("interval")
		}
		if err := every.UnmarshalText([]byte(text)); err != nil || time.Duration(every)%time.Second != 0 {
			return "", fault.New(fault.Invalid, "this is no interval").With(fault.Field{Name: "Interval", Message: strconv.Quote(text) + " must be a duration of whole seconds, like 15m or 24h"})
		}
		seconds := int64(time.Duration(every) / time.Second)
		draft.Seconds = &seconds
	}
	is, err := p.service.SetSchedule(r.Context(), draft)
	if err != nil {
		return "", err
	}
	if is.Seconds == 0 {
		return "Epochs are computed only when an operator asks.", nil
	}
	return "An epoch is computed every " + config.Interval(time.Duration(is.Seconds)*time.Second).String() + ".", nil
}

func (p *reputationPages) cancelEpoch(_ http.ResponseWriter, r *http.Request) (string, error) {
	if _, err := p.service.CancelEpoch(r.Context(), reputation.CancelRequest{}); err != nil {
		return "", err
	}
	return "The computation ends. The scores stay those of the last epoch.", nil
}
