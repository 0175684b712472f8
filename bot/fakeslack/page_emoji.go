package fakeslack

// emoji are the ones that a bot at work uses; others stay as they were written.
var emoji = map[string]string{
	"+1": "👍", "-1": "👎", "alarm_clock": "⏰", "arrow_right": "➡️", "arrow_up": "⬆️", "arrow_down": "⬇️",
	"ballot_box_with_check": "☑️", "bar_chart": "📊", "bell": "🔔", "black_circle": "⚫", "blue_book": "📘",
	"bookmark": "🔖", "books": "📚", "bulb": "💡", "calendar": "📅", "chart_with_downwards_trend": "📉",
	"chart_with_upwards_trend": "📈", "clipboard": "📋", "clock3": "🕒", "construction": "🚧", "eyes": "👀",
	"fire": "🔥", "gear": "⚙️", "green_circle": "🟢", "grey_question": "❔", "hammer_and_wrench": "🛠️",
	"hand": "✋", "handshake": "🤝", "heart": "❤️", "heavy_check_mark": "✔️", "hourglass": "⌛",
	"hourglass_flowing_sand": "⏳", "house": "🏠", "inbox_tray": "📥", "information_source": "ℹ️",
	"large_blue_circle": "🔵", "large_green_circle": "🟢", "large_orange_circle": "🟠",
	"large_red_circle": "🔴", "large_yellow_circle": "🟡", "link": "🔗", "lock": "🔒", "loudspeaker": "📢",
	"mag": "🔍", "mega": "📣", "memo": "📝", "moon": "🌙", "no_entry": "⛔", "no_entry_sign": "🚫",
	"ok_hand": "👌", "orange_circle": "🟠", "package": "📦", "page_facing_up": "📄", "pause_button": "⏸️",
	"point_right": "👉", "pray": "🙏", "pushpin": "📌", "question": "❓", "raised_hand": "✋",
	"red_circle": "🔴", "rocket": "🚀", "rotating_light": "🚨", "shield": "🛡️", "speech_balloon": "💬",
	"stopwatch": "⏱️", "tada": "🎉", "thinking_face": "🤔", "thumbsup": "👍", "thumbsdown": "👎", "ticket": "🎫",
	"triangular_flag_on_post": "🚩", "unlock": "🔓", "warning": "⚠️", "wave": "👋",
	"white_check_mark": "✅", "white_circle": "⚪", "wrench": "🔧", "x": "❌", "yellow_circle": "🟡", "zzz": "💤",
}

// maxEmoji is the length of the longest name that is looked up.
const maxEmoji = 40

// emojiAt reads :name: at i; nil when it is no emoji that is known.
func emojiAt(s string, i int) (*span, int) {
	if s[i] != ':' {
		return nil, i
	}
	for j := i + 1; j < len(s) && j-i <= maxEmoji; j++ {
		if s[j] == ':' {
			if sign, ok := emoji[s[i+1:j]]; ok {
				return &span{Kind: "emoji", Text: sign}, j + 1
			}
			return nil, i
		}
		if s[j] == ' ' {
			return nil, i
		}
	}
	return nil, i
}
