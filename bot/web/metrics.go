package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"

	"github.com/musterbot/muster/campaign"
)

// Metrics are the numbers that an operator watches. No label holds the name of
// a campaign, a person or a channel: metrics are read by many.
type Metrics struct {
	registry *prometheus.Registry
	claims   *prometheus.CounterVec
	lag      prometheus.Histogram
	work     *prometheus.HistogramVec
	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	applies  *prometheus.HistogramVec
}

// NewMetrics returns metrics that look up what waits in a store when they are
// read. version is that of the binary.
func NewMetrics(store campaign.Reader, version string, log logrus.FieldLogger) *Metrics {
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		claims: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "muster_claims_total", Help: "Due entries claimed, by lane; expired ones were held by a claimer that died or was too slow.",
		}, []string{"lane", "expired"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "muster_inbox_lag_seconds", Help: "Time from the acknowledgement of an envelope to its work.", Buckets: seconds,
		}),
		work: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "muster_work_lag_seconds", Help: "Time from when work fell due to its claim, by lane.", Buckets: append(seconds, 60, 300),
		}, []string{"lane"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "muster_slack_calls_total", Help: "Calls of Slack's Web API, by method and outcome: ok, refused, limited, server_error, lost.",
		}, []string{"method", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "muster_slack_call_seconds", Help: "How long calls of Slack's Web API took, by method.", Buckets: seconds,
		}, []string{"method"}),
		applies: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "muster_store_apply_seconds", Help: "How long durable writes took, by outcome: the kind of the error, or ok.", Buckets: seconds,
		}, []string{"outcome"}),
	}
	built := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "muster_build_info", Help: "Always 1; the label is the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	built.Set(1)
	m.registry.MustRegister(
		m.claims, m.lag, m.work, m.calls, m.took, m.applies, built, openEffects{store: store, log: log},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler returns the handler of /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// ObserveInbox records how long an envelope waited for its work.
func (m *Metrics) ObserveInbox(lag time.Duration) { m.lag.Observe(max(0, lag.Seconds())) }

// Store returns the store with its claims and writes counted.
func (m *Metrics) Store(s campaign.Store) campaign.Store { return meteredStore{Store: s, metrics: m} }

type meteredStore struct {
	campaign.Store
	metrics *Metrics
}

// Epoch implements campaign.Run, for a store that does.
func (s meteredStore) Epoch() string {
	if run, ok := s.Store.(campaign.Run); ok {
		return run.Epoch()
	}
	return ""
}

var laneNames = map[campaign.Lane]string{campaign.Interactive: "interactive", campaign.Bulk: "bulk"}

func (s meteredStore) Claim(ctx context.Context, r campaign.ClaimRequest) (campaign.Claims, error) {
	claims, err := s.Store.Claim(ctx, r)
	for _, c := range claims.Entries {
		lane := laneNames[c.Lane]
		s.metrics.claims.WithLabelValues(lane, fmt.Sprint(c.Expired)).Inc()
		s.metrics.work.WithLabelValues(lane).Observe(max(0, r.Now.Sub(c.At).Seconds()))
	}
	return claims, err
}

func (s meteredStore) Apply(ctx context.Context, c campaign.Change) error {
	began := time.Now()
	err := s.Store.Apply(ctx, c)
	outcome := "ok"
	if err != nil {
		outcome = campaign.KindOf(err).String()
	}
	s.metrics.applies.WithLabelValues(outcome).Observe(time.Since(began).Seconds())
	return err
}

// openEffects counts what is outgoing and not done, when it is asked.
type openEffects struct {
	store campaign.Reader
	log   logrus.FieldLogger
}

var effectsDesc = prometheus.NewDesc("muster_effects_open", "Effects that are not done, by status, over all campaigns.", []string{"status"}, nil)

func (openEffects) Describe(ch chan<- *prometheus.Desc) { ch <- effectsDesc }

// countFor bounds the count, so that a scrape never hangs.
const countFor = 5 * time.Second

func (e openEffects) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), countFor, errors.New("counting took too long"))
	defer cancel()
	counts, err := campaign.CountEffects(ctx, e.store)
	if err != nil {
		e.log.WithError(err).Error("count effects for metrics")
		ch <- prometheus.NewInvalidMetric(effectsDesc, err)
		return
	}
	for _, status := range []campaign.EffectStatus{campaign.EffectPending, campaign.EffectLeased, campaign.EffectUncertain, campaign.EffectDead} {
		ch <- prometheus.MustNewConstMetric(effectsDesc, prometheus.GaugeValue, float64(counts[status]), string(status))
	}
}

// Transport returns base with its calls of Slack's Web API counted.
func (m *Metrics) Transport(base http.RoundTripper) http.RoundTripper {
	return meteredTransport{base: base, metrics: m}
}

type meteredTransport struct {
	base    http.RoundTripper
	metrics *Metrics
}

// methodName is what a method of the Web API looks like; everything else, such
// as a response URL, counts as "other", or labels would be without bound.
var methodName = regexp.MustCompile(`^[a-z]{1,20}(\.[a-zA-Z]{1,30}){1,3}$`)

// RoundTrip implements http.RoundTripper.
func (t meteredTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	method := path.Base(r.URL.Path)
	if !methodName.MatchString(method) || !strings.HasSuffix(path.Dir(r.URL.Path), "/api") {
		method = "other"
	}
	began := time.Now()
	resp, err := t.base.RoundTrip(r)
	t.metrics.took.WithLabelValues(method).Observe(time.Since(began).Seconds())
	t.metrics.calls.WithLabelValues(method, outcome(resp, err)).Inc()
	return resp, err
}

// peekBytes is how far into an answer its "ok" is looked for.
const peekBytes = 512

// outcome reads the start of a body where the status alone does not tell: Slack
// answers 200 to what it refuses.
func outcome(resp *http.Response, err error) string {
	switch {
	case err != nil:
		return "lost"
	case resp.StatusCode == http.StatusTooManyRequests:
		return "limited"
	case resp.StatusCode >= http.StatusInternalServerError:
		return "server_error"
	case resp.StatusCode >= http.StatusBadRequest:
		return "refused"
	}
	body := bufio.NewReaderSize(resp.Body, peekBytes)
	head, _ := body.Peek(peekBytes) // an error comes again when the body is read
	resp.Body = peeked{Reader: body, Closer: resp.Body}
	if bytes.Contains(head, []byte(`"ok":false`)) || bytes.Contains(head, []byte(`"ok": false`)) {
		return "refused"
	}
	return "ok"
}
