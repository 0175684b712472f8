package bot

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/musterbot/muster/campaign"
)

// openings remembers which envelopes are opening a form in this process. Another
// replica that works the envelope finds on it what became of the form; after a crash
// there is neither, and a button is offered instead.
type openings struct {
	mu      sync.Mutex
	waiting map[string]chan bool
}

// maxOpenings bounds what is remembered when nobody asks for it.
const maxOpenings = 10_000

func (o *openings) begin(key string) chan bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting == nil || len(o.waiting) >= maxOpenings {
		o.waiting = map[string]chan bool{}
	}
	if o.waiting[key] != nil {
		return nil // a redelivery: the first one opens it
	}
	done := make(chan bool, 1)
	o.waiting[key] = done
	return done
}

// here returns where the outcome of an envelope's form comes, if it is being opened
// in this process; nil otherwise. Nobody else waits for it then.
func (o *openings) here(key string) chan bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	done := o.waiting[key]
	delete(o.waiting, key)
	return done
}

// unclaimed returns whether nobody in this process waits for a form, or has.
func (o *openings) unclaimed(key string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting[key] != nil
}

// lookAgain is how soon another replica is asked again whether it opened a form.
const lookAgain = 500 * time.Millisecond

// isOpened returns whether the form of an envelope was opened. While another replica
// may still be opening it, it is Unavailable.
func (d *Dispatcher) isOpened(ctx context.Context, e campaign.Envelope) (bool, error) {
	done := d.opened.here(e.Key)
	if done == nil {
		if e.Form == "" && d.opts.Clock.Now().Sub(e.At) < besideFor+lookAgain {
			return false, &campaign.Error{
				Kind: campaign.Unavailable, RetryAfter: lookAgain, Err: errors.New("another replica may be opening the form"),
				Message: "The form is being opened.",
			}
		}
		return e.Form == campaign.FormOpen, nil
	}
	t := time.NewTimer(besideFor)
	defer t.Stop()
	select {
	case ok := <-done:
		return ok, nil
	case <-ctx.Done():
	case <-t.C:
	}
	return false, nil
}

// forget drops what nobody waits for.
func (o *openings) forget(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waiting, key)
}

// Beside implements Handlers: it opens the form that a command or a press asks
// for, while its trigger lives.
func (d *Dispatcher) Beside(e campaign.Envelope) func(context.Context) {
	var trigger string
	var form func(context.Context) (*slack.ModalViewRequest, error)
	switch e.Kind {
	case campaign.EnvelopeCommand:
		call, id, err := d.readCommand(e)
		if err != nil || !d.commands.MayOpenForm(call.Text) {
			return nil
		}
		trigger, form = id, func(ctx context.Context) (*slack.ModalViewRequest, error) { return d.commands.Form(ctx, call) }
	case campaign.EnvelopeAction:
		p, err := d.actions.ReadPress(e)
		if err != nil || !d.actions.MayOpenForm(p) {
			return nil
		}
		trigger, form = p.Trigger, func(ctx context.Context) (*slack.ModalViewRequest, error) { return d.actions.Form(ctx, p) }
	case campaign.EnvelopeSubmission, campaign.EnvelopeEvent:
		return nil
	}
	done := d.opened.begin(e.Key)
	if done == nil {
		return nil
	}
	return func(ctx context.Context) {
		v, err := form(ctx)
		if err == nil && v != nil {
			err = d.opts.Views.OpenView(ctx, trigger, *v)
			if err != nil {
				d.opts.Log.WithError(err).WithField(campaign.FieldRequest, e.Key).Info("form not opened; its person gets a button")
			}
		}
		done <- err == nil && v != nil
		if v == nil || !d.opened.unclaimed(e.Key) {
			return
		}
		state := campaign.FormOpen
		if err != nil {
			state = campaign.FormFailed
		}
		if err := d.markForm(ctx, e.Key, state); err != nil {
			d.opts.Log.WithError(err).WithField(campaign.FieldRequest, e.Key).Warn("what became of a form is not kept; its person may get a button as well")
		}
	}
}

// markForm keeps what became of a form. The form may be faster than the disk.
func (d *Dispatcher) markForm(ctx context.Context, key string, state campaign.FormState) error {
	for {
		err := d.opts.Engine.MarkForm(ctx, key, state)
		if err == nil || campaign.KindOf(err) != campaign.NotFound {
			return err
		}
		if d.opts.Clock.Wait(ctx, 50*time.Millisecond) != nil {
			return err
		}
	}
}
