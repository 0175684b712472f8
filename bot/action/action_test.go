package action

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/campaign"
)

// A button that nothing answers is a promise broken in somebody's hand: each
// action that the domain or a view names has a row.
func TestEveryButtonHasItsRow(t *testing.T) {
	rows := map[string]bool{"home.pick": true} // an input: it means nothing by itself
	for _, a := range (handlers{}).actions() {
		rows[a.Name] = true
	}
	named := regexp.MustCompile(`(?:Action: |action[A-Z]\w* += |NewButtonBlockElement\()"([a-z_]+\.[a-z_]+)"`)
	found := 0
	for _, pattern := range []string{"../../campaign/*.go", "../view/*.go", "*.go", "../*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range named.FindAllStringSubmatch(string(source), -1) {
				found++
				require.True(t, rows[match[1]], "%s names the action %s, which has no row", file, match[1])
			}
		}
	}
	require.Greater(t, found, 15)
}

func TestEveryFormHasItsRow(t *testing.T) {
	rows := map[string]bool{}
	for _, f := range (handlers{}).forms() {
		rows[f.Callback] = true
	}
	source, err := filepath.Glob("../view/modal_*.go")
	require.NoError(t, err)
	callback := regexp.MustCompile(`callback: +"([a-z_]+\.[a-z_]+)"`) // those without a dot are not sent in
	for _, file := range source {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range callback.FindAllStringSubmatch(string(text), -1) {
			if match[1] == "campaign.pick" {
				continue // buttons ask which campaign
			}
			require.True(t, rows[match[1]], match[1])
		}
	}
}

func TestPayloadsOfAnyShapeAreRead(t *testing.T) {
	tests := map[string]struct {
		payload, action, campaign string
		picked                    []string
	}{
		"a button":          {`{"actions":[{"action_id":"task.on_it","value":"c1|contact/T1/U1"}]}`, "task.on_it", "c1", nil},
		"its second twin":   {`{"actions":[{"action_id":"command.run#3","value":"c1|show"}]}`, "command.run", "c1", nil},
		"no action at all":  {`{"actions":[]}`, "", "", nil},
		"App Home, picked":  {`{"actions":[{"action_id":"home.done","value":"c1"}],"view":{"type":"home","state":{"values":{"home/c1/0":{"home.pick#0":{"selected_options":[{"value":"t1"}]}},"home/c2/0":{"home.pick#0":{"selected_options":[{"value":"t2"}]}}}}}}`, "home.done", "c1", []string{"t1"}},
		"a value without |": {`{"actions":[{"action_id":"plan.show","value":"c1"}]}`, "plan.show", "c1", nil},
	}
	r := &Router{opts: Options{Clock: campaign.RealClock{}}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := r.ReadPress(campaign.Envelope{Payload: json.RawMessage(tt.payload)})
			require.NoError(t, err)
			require.Equal(t, tt.action, p.Action)
			require.Equal(t, tt.campaign, p.Campaign)
			require.Equal(t, tt.picked, p.Picked)
		})
	}
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte(`{"actions":[{"action_id":"a#1","value":"x|y"}],"view":{"state":{"values":{"home/x/0":{"a":{"selected_options":[{"value":"1"}]}}}}}}`))
	f.Add([]byte(`{"view":{"private_metadata":"{\"c\":\"x\"}","callback_id":"task.done"}}`))
	r := &Router{opts: Options{Clock: campaign.RealClock{}}, forms: map[string]Form{}}
	for _, form := range (handlers{Options{Clock: campaign.RealClock{}}}).forms() {
		r.forms[form.Callback] = form
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := r.ReadPress(campaign.Envelope{Payload: raw})
		if err == nil {
			require.NotContains(t, p.Action, "#")
		}
		_, _ = r.Check(raw)
		Overtakes(raw)
	})
}

func TestTaskSets(t *testing.T) {
	tests := map[string]struct {
		value string
		want  campaign.TaskSet
	}{
		"a contact, as agreed": {"contact/T1/U1", campaign.TaskSet{Contact: "T1/U1"}},
		"a contact, bare":      {"T1/U1", campaign.TaskSet{Contact: "T1/U1"}},
		"some tasks":           {"a.fix,b.fix", campaign.TaskSet{Tasks: []string{"a.fix", "b.fix"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, set(tt.value)) })
	}
}

func TestTablesThatAreHalfFilledAreRefused(t *testing.T) {
	_, err := newRouter(Options{}, []Action{{Name: "a.b"}}, nil)
	require.Error(t, err)
	_, err = newRouter(Options{}, nil, []Form{{Callback: "a.b"}})
	require.Error(t, err)
	h := handlers{}
	_, err = newRouter(Options{}, append(h.actions(), h.actions()[0]), nil)
	require.Error(t, err, "twice")
	_, err = newRouter(Options{}, h.actions(), h.forms())
	require.NoError(t, err)
}
