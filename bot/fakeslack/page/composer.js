import { byId, h, icon, toast } from "./dom.js";
import { act, place, store } from "./store.js";

const drafts = new Map(); // by place

/** composer is the box in which messages and commands are typed. It keeps a draft
 * for every place. */
export function composer(box, spot) {
  const key = `${spot.channel}/${spot.thread ?? ""}/${store.as}`;
  if (box.dataset.spot === key) return;
  box.dataset.spot = key;
  let shift = false; // whether the newest Enter wants a line of its own
  const words = h("textarea", {
    id: spot.thread ? "reply" : "words", rows: "1", "aria-label": spot.label, placeholder: spot.label, enterkeyhint: "send",
    on: {
      input: () => { drafts.set(key, words.value); grow(words); },
      keydown: (event) => { shift = event.shiftKey; },
      beforeinput: (event) => {
        if (event.inputType !== "insertLineBreak" || shift) return;
        event.preventDefault();
        send();
      },
    },
  });
  words.value = drafts.get(key) ?? "";
  const send = async () => {
    const text = words.value.trim();
    if (!text) return;
    if (spot.thread && text.startsWith("/")) { toast("Slack takes commands in channels, not in threads."); return; }
    drafts.delete(key);
    words.value = "";
    grow(words);
    await act(text.startsWith("/") ? { do: "run", channel: spot.channel, text } : { do: "say", channel: spot.channel, thread: spot.thread, text });
  };
  box.replaceChildren(h("form", { class: "compose", on: { submit: (event) => { event.preventDefault(); send(); } } }, words,
    h("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send"))));
  grow(words);
}

function grow(words) {
  words.style.setProperty("height", "auto");
  words.style.setProperty("height", `${Math.min(160, words.scrollHeight)}px`);
}

/** suggest types a command for the visitor, who sends it. */
export function suggest(command) {
  if (["home", ""].includes(place().open) || place().open.startsWith("panel")) {
    const channel = store.state.channels.find((c) => c.member && c.kind === "channel");
    location.hash = channel ? `#/${channel.id}` : "#/dm";
    addEventListener("page-drawn", () => fill(command), { once: true });
    return;
  }
  fill(command);
}

function fill(command) {
  document.body.classList.remove("guide-open", "menu-open");
  const words = byId("words");
  if (!words) return;
  words.value = command;
  words.dispatchEvent(new Event("input"));
  words.focus();
}
