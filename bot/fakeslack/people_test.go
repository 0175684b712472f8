package fakeslack_test

import (
	"encoding/json"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

func TestAPressedButtonSaysWhereItWasPressed(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	pressed := make(chan slack.InteractionCallback, 1)
	connect(t, v.ws, func(evt socketmode.Event) (any, bool) {
		pressed <- evt.Data.(slack.InteractionCallback)
		return nil, true
	})
	row := slack.NewActionBlock("tasks", button("On it", "accept", "t1"), button("Blocked", "blocked", "t1"))
	require.NoError(t, post(v, v.ann.ID, words("14 of your services"), slack.MsgOptionBlocks(section("*Log4Shell*"), row)))
	dm := v.ann.DMs()[0]
	require.Equal(t, []string{"On it", "Blocked"}, dm.Buttons())

	require.True(t, v.ann.Presses("On it", dm).OK())
	got := <-pressed
	require.Equal(t, slack.InteractionTypeBlockActions, got.Type)
	require.Equal(t, v.ann.ID, got.User.ID)
	require.Equal(t, dm.Channel, got.Channel.ID)
	require.Equal(t, dm.TS, got.Container.MessageTs)
	require.Equal(t, "14 of your services", got.Message.Text)
	action := got.ActionCallback.BlockActions[0]
	require.Equal(t, []string{"accept", "tasks", "t1"}, []string{action.ActionID, action.BlockID, action.Value})

	_, _, err := v.api.PostMessage("", slack.MsgOptionReplaceOriginal(got.ResponseURL), words("done"))
	require.NoError(t, err)
	require.Equal(t, "done", v.ann.DMs()[0].Text)

	require.ErrorContains(t, v.ann.Presses("On it", dm).Err, `no "On it"`, "a stale button is gone")
	require.Error(t, v.bob.Presses("On it", dm).Err, "nobody presses in someone else's DM")
}

func TestHomeIsOpenedPublishedAndPicked(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{"app_home_opened"}})
	picked := make(chan slack.InteractionCallback, 1)
	options := []*slack.OptionBlockObject{
		slack.NewOptionBlockObject("t1", plain("checkout-api"), nil),
		slack.NewOptionBlockObject("t2", plain("ledger"), nil),
	}
	menu := slack.NewOptionsMultiSelectBlockElement("multi_static_select", plain("Which are done"), "pick_tasks", options...)
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewSectionBlock(plain("My tickets"), nil, slack.NewAccessory(menu), slack.SectionBlockOptionBlockID("mine")),
		slack.NewActionBlock("do", button("Done", "done", "")),
	}}}
	connect(t, v.ws, func(evt socketmode.Event) (any, bool) {
		switch data := evt.Data.(type) {
		case slackevents.EventsAPIEvent:
			opened := data.InnerEvent.Data.(*slackevents.AppHomeOpenedEvent)
			_, err := v.api.PublishView(opened.User, home, "")
			return nil, err == nil
		case slack.InteractionCallback:
			if data.ActionCallback.BlockActions[0].ActionID == "done" {
				picked <- data
			}
		}
		return nil, true
	})
	require.Nil(t, v.ann.OpensHome())
	view, err := v.ann.WaitsForHome(soon(t), nil)
	require.NoError(t, err)
	require.True(t, v.ann.Picks("pick_tasks", []string{"checkout-api", "t2"}, *view).OK())
	require.True(t, v.ann.Presses("Done", *view).OK())
	got := <-picked
	chosen := got.View.State.Values["mine"]["pick_tasks"].SelectedOptions
	require.Len(t, chosen, 2)
	require.Equal(t, "t2", chosen[1].Value)
	require.Equal(t, "view", string(got.Container.Type))
	require.Nil(t, v.bob.Home())
}

func TestAFormCarriesEveryKindOfField(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	submitted := make(chan slack.InteractionCallback, 1)
	connect(t, v.ws, func(evt socketmode.Event) (any, bool) {
		switch data := evt.Data.(type) {
		case slack.SlashCommand:
			_, err := v.api.OpenView(data.TriggerID, everyField())
			return nil, err == nil
		case slack.InteractionCallback:
			if data.Type == slack.InteractionTypeBlockSuggestion {
				return slack.OptionsResponse{Options: []*slack.OptionBlockObject{
					slack.NewOptionBlockObject("svc-1", plain("svc "+data.Value), nil),
				}}, true
			}
			submitted <- data
		}
		return nil, true
	})
	seen := v.ann.Runs("/campaign new", "ops")
	require.True(t, seen.OK(), seen.Text())
	offered, answer := v.ann.Types("led", "Service", *seen.Modal)
	require.True(t, answer.OK())
	require.Equal(t, []fakeslack.Option{{Text: "svc led", Value: "svc-1"}}, offered)

	_, err := v.ann.Fills(*seen.Modal, fakeslack.Fill{"Kind": "no such kind"})
	require.ErrorContains(t, err, "there are: Package, Other")
	view, err := v.ann.Fills(*seen.Modal, fakeslack.Fill{
		"Name": "log4j", "Kind": "Package", "Tracks": []string{"Mitigate", "fix"}, "Lead": "@bob",
		"Due": "2026-01-09", "At": "18:00", "Service": offered[0], "Channel": "#vault",
	})
	require.NoError(t, err)
	require.True(t, v.ann.Submits(*view).OK())
	values := (<-submitted).View.State.Values
	require.Equal(t, "log4j", values["name"]["v"].Value)
	require.Equal(t, "package", values["kind"]["v"].SelectedOption.Value)
	require.Equal(t, "mitigate", values["tracks"]["v"].SelectedOptions[0].Value)
	require.Equal(t, v.bob.ID, values["lead"]["v"].SelectedUser)
	require.Equal(t, "2026-01-09", values["due"]["v"].SelectedDate)
	require.Equal(t, "18:00", values["at"]["v"].SelectedTime)
	require.Equal(t, "svc-1", values["service"]["v"].SelectedOption.Value)
	require.Equal(t, v.vault, values["channel"]["v"].SelectedConversation)
	require.Nil(t, v.ann.Modal())
}

func everyField() slack.ModalViewRequest {
	option := func(value, label string) *slack.OptionBlockObject {
		return slack.NewOptionBlockObject(value, plain(label), nil)
	}
	in := func(id, label string, e slack.BlockElement) slack.Block {
		return slack.NewInputBlock(id, plain(label), nil, e)
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain("New"), Submit: plain("Create"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			in("name", "Name", slack.NewPlainTextInputBlockElement(nil, "v")),
			in("kind", "Kind", slack.NewOptionsSelectBlockElement("static_select", nil, "v", option("package", "Package"), option("other", "Other"))),
			in("tracks", "Tracks", slack.NewCheckboxGroupsBlockElement("v", option("mitigate", "Mitigate"), option("fix", "Fix"))),
			in("lead", "Lead", slack.NewOptionsSelectBlockElement("users_select", nil, "v")),
			in("due", "Due", slack.NewDatePickerBlockElement("v")),
			in("at", "At", slack.NewTimePickerBlockElement("v")),
			in("service", "Service", slack.NewOptionsSelectBlockElement("external_select", nil, "v")),
			in("channel", "Channel", slack.NewOptionsSelectBlockElement("conversations_select", nil, "v")),
		}},
	}
}

func TestClosingAModalIsToldWhenAsked(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	closed := make(chan slack.InteractionCallback, 1)
	connect(t, v.ws, func(evt socketmode.Event) (any, bool) {
		switch data := evt.Data.(type) {
		case slack.SlashCommand:
			view := form("")
			view.NotifyOnClose = true
			_, err := v.api.OpenView(data.TriggerID, view)
			return nil, err == nil
		case slack.InteractionCallback:
			closed <- data
		}
		return nil, true
	})
	seen := v.ann.Runs("/campaign new", "ops")
	require.True(t, v.ann.Closes(*seen.Modal).OK())
	require.Equal(t, slack.InteractionTypeViewClosed, (<-closed).Type)
	require.Nil(t, v.ann.Modal())
	require.Error(t, v.ann.Submits(*seen.Modal).Err)
}

func TestTheFeedTellsWhatMovedAndWaitsForMore(t *testing.T) {
	v := settle(t, fakeslack.Options{MaxChanges: 50, Events: []string{}})
	last := v.ws.LastChange()
	require.NoError(t, post(v, v.ops, words("one")))
	changes, err := v.ws.Changes(t.Context(), last)
	require.NoError(t, err)
	require.Equal(t, fakeslack.Posted, changes[0].Kind)
	require.Equal(t, v.ops, changes[0].Channel)

	for range 60 {
		require.NoError(t, post(v, v.ops, words("more")))
	}
	changes, err = v.ws.Changes(t.Context(), last)
	require.NoError(t, err)
	require.Len(t, changes, 50)
	require.Greater(t, changes[0].Seq, last+1, "a gap tells to read anew")

	require.NoError(t, v.ws.Close())
	_, err = v.ws.Changes(t.Context(), v.ws.LastChange())
	require.ErrorContains(t, err, "closed")
	_, err = json.Marshal(changes)
	require.NoError(t, err)
}

func TestAMenuInAMessageCarriesWhatWasPicked(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	heard := make(chan slack.InteractionCallback, 1)
	connect(t, v.ws, func(evt socketmode.Event) (any, bool) {
		heard <- evt.Data.(slack.InteractionCallback)
		return nil, true
	})
	menu := slack.NewOptionsSelectBlockElement("static_select", plain("Method"), "method",
		slack.NewOptionBlockObject("class_removed", plain("Class removed"), nil))
	_, err := v.api.PostEphemeral(v.ops, v.ann.ID, words("how"), slack.MsgOptionBlocks(slack.NewActionBlock("m", menu)))
	require.NoError(t, err)
	only, err := v.ann.WaitsForEphemeral(soon(t), "ops", fakeslack.Containing("how"))
	require.NoError(t, err)
	require.True(t, v.ann.Picks("Method", "Class removed", *only).OK())
	got := <-heard
	require.True(t, got.Container.IsEphemeral)
	require.Equal(t, "class_removed", got.ActionCallback.BlockActions[0].SelectedOption.Value)
	require.Equal(t, "class_removed", got.BlockActionState.Values["m"]["method"].SelectedOption.Value)
	_, _, err = v.api.PostMessage("", slack.MsgOptionDeleteOriginal(got.ResponseURL))
	require.NoError(t, err)
	require.Empty(t, v.ann.Ephemerals("ops"))
}

func TestACommandNamesThePeopleItMentions(t *testing.T) {
	v := settle(t, fakeslack.Options{})
	heard := make(chan slack.SlashCommand, 1)
	v.ws.DeliverTo(fakeslack.Endpoints{Command: commandServer(t, heard)})
	require.True(t, v.ann.Runs("/campaign command @bob", "vault").OK())
	got := <-heard
	require.Equal(t, "command <@"+v.bob.ID+"|bob>", got.Text)
	require.Equal(t, "privategroup", got.ChannelName)
	require.Error(t, v.bob.Runs("/campaign list", "vault").Err, "nobody types where they are no member")
}
