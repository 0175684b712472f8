package fakeslack_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/musterbot/muster/bot/fakeslack"
)

// browser opens a headless Chromium of its own. On a laptop without one the test
// is skipped; CI must have it.
func browser(t *testing.T, width, height int) context.Context {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		require.NotEqual(t, "true", os.Getenv("CI"), "CI needs Chromium: the page is tested in it")
		t.Skip("no Chromium on this machine: the page is not tested")
	}
	profile := t.TempDir()
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.WindowSize(width, height),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.CombinedOutput(io.Discard),
		chromedp.WSURLReadTimeout(20*time.Second),
	)
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(func() { _ = chromedp.Cancel(tab); closeTab() })
	require.NoError(t, chromedp.Do(tab), "start Chromium")
	return tab
}

// visit is a browser that looks at the page of a workspace.
type visit struct {
	t   *testing.T
	tab context.Context
}

// does runs browser actions within a bound.
func (v visit) does(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.tab, 12*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		require.NoError(v.t, err, "the page shows: %s", evaluates[string](v, `document.body.innerText`))
	}
}

// sees waits until a JavaScript expression is true.
func (v visit) sees(expression string) {
	v.t.Helper()
	v.does(chromedp.Poll[chromedp.Void](expression,
		chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(10*time.Second)))
}

// reads waits until some element of the page shows the words.
func (v visit) reads(selector, words string) {
	v.t.Helper()
	v.sees(`[...document.querySelectorAll(` + strconv.Quote(selector) + `)].some((e) => e.innerText.includes(` + strconv.Quote(words) + `))`)
}

func (v visit) clicks(selector string) {
	v.t.Helper()
	v.does(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (v visit) types(selector, words string) {
	v.t.Helper()
	v.does(chromedp.SendKeys(chromedp.CSS(selector), words, chromedp.NodeVisible))
}

func evaluates[T any](v visit, expression string) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.tab, 12*time.Second)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	require.NoError(v.t, err)
	return out
}

// musterLike answers as the real app would: a list for /campaign list, a form for
// /campaign new, and an edit when a campaign is paused.
func musterLike(t *testing.T, ws *fakeslack.Workspace) {
	t.Helper()
	api := client(ws)
	connect(t, ws, func(evt socketmode.Event) (any, bool) {
		switch data := evt.Data.(type) {
		case slack.SlashCommand:
			if data.Text != "new" {
				return map[string]any{"text": "*Log4Shell* is running, asked by <@" + data.UserID + ">."}, true
			}
			_, err := api.OpenView(data.TriggerID, form(""))
			return nil, err == nil
		case slack.InteractionCallback:
			if data.Type == slack.InteractionTypeViewSubmission {
				if data.View.State.Values["name"]["name_in"].Value == "x" {
					return slack.NewErrorsViewSubmissionResponse(map[string]string{"name": "Two characters at least."}), true
				}
				return nil, true
			}
			_, _, _, err := api.UpdateMessage(data.Channel.ID, data.Container.MessageTs, words("Paused by <@"+data.User.ID+">."))
			return nil, err == nil
		}
		return nil, true
	})
}

func TestThePageInABrowser(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	musterLike(t, v.ws)
	page, err := v.ws.ServePage(fakeslack.PageOptions{
		Title: "Log4Shell in two minutes", Steps: []string{"Ask where it stands: `/campaign list`"}, Start: "ops",
		Cast: []fakeslack.Actor{{Who: "ann", Role: "commander"}, {Who: "bob", Role: "reviewer"}},
		Panels: []fakeslack.Panel{{Name: "Tickets", Rows: func() [][]string {
			return [][]string{{"Ticket", "Owner"}, {"T-1", "payments <b>"}}
		}}},
	})
	require.NoError(t, err)
	see := visit{t, browser(t, 1280, 800)}
	see.does(chromedp.Navigate(page.URL()))
	see.reads("#acting", "commander")

	// Live, and harmless whatever it says.
	require.NoError(t, post(v, v.ops, words("*Not contained* yet <https://example.com|why> &lt;img src=x onerror=alert(1)&gt;")))
	see.reads(".message", "<img src=x onerror=alert(1)>")
	see.reads(".message strong", "Not contained")
	page.Narrate("The advisory *arrives*.")
	see.reads("#guide .told", "The advisory arrives.")

	// A command pressed in the guide is typed, sent, and answered for one's eyes only.
	see.clicks("#guide .try")
	see.types("#words", "\r")
	see.reads(".message.hidden", "Only visible to you")
	see.reads(".message.hidden", "Log4Shell is running")
	require.Len(t, v.ann.Ephemerals("ops"), 1)

	// A button that asks first.
	pause := button("Pause", "pause", "c1")
	pause.Style = slack.StyleDanger
	pause.Confirm = slack.NewConfirmationBlockObject(plain("Pause it?"), plain("188 people wait."), plain("Pause"), plain("Back"))
	require.NoError(t, post(v, v.ops, words("running"), slack.MsgOptionBlocks(section("*Running*"), slack.NewActionBlock("brakes", pause))))
	see.clicks(`[data-at="brakes/pause"]`)
	see.reads("#confirm", "188 people wait.")
	require.Empty(t, v.ws.Deliveries("interactive", "block_actions"))
	see.clicks("#confirm .primary")
	see.reads(".message", "Paused by @ann")
	see.reads(".message .edited", "(edited)")

	// A form that is refused, and then is not.
	see.types("#words", "/campaign new\r")
	see.reads("#modal h2", "New campaign")
	see.types("#modal input", "x\r")
	see.reads("#modal .complaint", "Two characters at least.")
	see.sees(`document.querySelector("#modal input").value === "x"`)
	see.types("#modal input", "log4j\r")
	see.sees(`!document.querySelector("#modal").open`)
	require.Nil(t, v.ann.Modal())

	// Numbers as pictures and as a table.
	require.NoError(t, post(v, v.ops, words("digest"), rawArg(v, "blocks", chartAndTable)))
	see.sees(`document.querySelectorAll(".chart svg rect").length >= 4 && document.querySelectorAll(".b-table tbody tr").length === 1`)
	see.reads(".legend", "verified")
	see.reads(".b-table", "1,204")

	// Somebody else, who was mentioned and reads a thread.
	require.NoError(t, post(v, v.ops, words("<@"+v.bob.ID+"> please review")))
	see.sees(`[...document.querySelectorAll(".message .mention")].some((e) => e.innerText === "@bob")`)
	root := v.ann.Says("ops", "Is the flag enough?")
	v.ann.RepliesIn(*root, "It is not.")
	see.clicks("#acting")
	see.clicks(`#people [data-handle="bob"]`)
	see.reads("#acting", "reviewer")
	see.reads(".message .mention.mine", "@bob")
	see.reads(".replies", "1 reply")
	see.clicks("#composer .primary") // Join channel
	see.sees(`document.querySelector("#words") !== null`)
	see.clicks(".message .replies")
	see.reads("#thread", "It is not.")
	see.types("#reply", "Thanks\r")
	see.reads("#thread .log", "Thanks")
	require.Equal(t, v.bob.ID, v.ws.Thread("ops", root.TS)[2].User, "as whom the visitor acts")

	menu := slack.NewOptionsSelectBlockElement("static_select", plain("Method"), "method",
		slack.NewOptionBlockObject("flag", plain("Flag"), nil), slack.NewOptionBlockObject("removed", plain("Class removed"), nil))
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
		slack.NewSectionBlock(plain("My tickets"), nil, slack.NewAccessory(menu), slack.SectionBlockOptionBlockID("mine")),
	}}}
	_, err = v.api.PublishView(v.bob.ID, home, "")
	require.NoError(t, err)
	see.clicks(`#side a[href="#/home"]`)
	see.reads("#body .home", "My tickets")
	see.does(chromedp.Evaluate[chromedp.Void](`{
		const menu = document.querySelector('[data-at="mine/method"]');
		menu.value = "removed";
		menu.dispatchEvent(new Event("change"));
	}`))
	require.NoError(t, v.ws.WaitFor(soon(t), func() bool {
		return v.bob.Home().Values["mine"]["method"]["selected_option"] != nil
	}))

	see.clicks(`#side a[href="#/panel0"]`)
	see.reads("#body td", "payments <b>")
	require.Empty(t, evaluates[[]string](see, `performance.getEntriesByType("resource")
		.map((r) => r.name).filter((n) => !n.startsWith(location.origin))`), "nothing is loaded from elsewhere")
}

// chartAndTable has more columns than a phone is wide.
const chartAndTable = `[{"type":"data_visualization","title":"Services","chart":{"type":"bar",
	"axis_config":{"categories":["Mon","Tue"],"y_label":"services"},"series":[
	{"name":"open","data":[{"label":"Mon","value":40},{"label":"Tue","value":12}]},
	{"name":"verified","data":[{"label":"Mon","value":4},{"label":"Tue","value":32}]}]}},
	{"type":"table","column_settings":[{"align":"left"},{"align":"right"}],"rows":[
	[{"type":"raw_text","text":"Organisation"},{"type":"raw_text","text":"Unknown"},{"type":"raw_text","text":"Verified by scan"},
	 {"type":"raw_text","text":"Attested"},{"type":"raw_text","text":"Waived until"},{"type":"raw_text","text":"Asked for"}],
	[{"type":"raw_text","text":"Payments and settlement"},{"type":"raw_number","value":1204},{"type":"raw_text","text":"41 of 44"},
	 {"type":"raw_text","text":"2"},{"type":"raw_text","text":"2026-01-31"},{"type":"raw_text","text":"freeze waiver"}]]}]`

func TestThePageFitsAPhone(t *testing.T) {
	v := settle(t, fakeslack.Options{Events: []string{}})
	page, err := v.ws.ServePage(fakeslack.PageOptions{Start: "ops", Steps: []string{"Ask: `/campaign list`"}})
	require.NoError(t, err)
	page.Narrate("The exposed slice is launched: 44 tickets and 31 messages, each of them once, however often the process dies.")
	require.NoError(t, post(v, v.ops,
		words("`com.example.a.very.long.package.name.that.nobody.would.ever.break.into.two.lines.by.hand` is affected")))
	require.NoError(t, post(v, v.ops, words("digest"), rawArg(v, "blocks", chartAndTable)))
	see := visit{t, browser(t, 390, 844)}
	see.does(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile), chromedp.Navigate(page.URL()))
	fits := func(where string) {
		t.Helper()
		require.Empty(t, evaluates[[]string](see, `[...document.querySelectorAll(
			"body, #bar, #main, #head, #body, #side, #guide, .message, .chart, .b-table")].filter((e) =>
				e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible" &&
				e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.id || e.className)`), where)
		require.Equal(t, 390.0, evaluates[float64](see, `innerWidth`), where)
		require.LessOrEqual(t, evaluates[float64](see, `document.documentElement.scrollWidth`), 390.0, where)
	}
	see.sees(`document.querySelector(".chart svg")?.clientWidth > 200 && !document.querySelector("#now").hidden`)
	fits("a channel")
	see.clicks("#menu")
	see.sees(`getComputedStyle(document.querySelector("#side")).visibility === "visible"`)
	fits("the menu")
	see.clicks(`#side a[href="#/dm"]`)
	see.sees(`!document.body.classList.contains("menu-open") && location.hash === "#/dm"`)
	see.clicks("#guide-switch")
	see.reads("#guide", "44 tickets")
	fits("the guide")
}
