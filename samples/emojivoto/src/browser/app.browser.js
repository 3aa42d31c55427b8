// The page of emojivoto: vote, what you picked, the failed vote, leaderboard. No framework, nothing from the network but the API.

const main = document.getElementById("main");

/** An element: `make("a", {href: "/"}, "text", child)`. Functions become listeners. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

function show(...children) {
  main.replaceChildren(...children, make("footer", {}, "Votes live in memory and end with the voting service."));
}

/** A link that changes the view without loading the page again. */
function link(path, text, style) {
  const go = (event) => {
    event.preventDefault();
    history.pushState(null, "", path);
    void route();
  };
  return make("a", { href: path, class: `button ${style ?? ""}`, click: go }, text);
}

async function fetchJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? `HTTP ${response.status}`);
  return response.json();
}

async function vote(emoji, tiles) {
  for (const tile of tiles) tile.disabled = true;
  try {
    const response = await fetch(`/api/vote?choice=${encodeURIComponent(emoji.shortcode)}`);
    if (response.ok) return showPicked(emoji);
    const body = await response.json().catch(() => ({}));
    showFailed(emoji, body.error ?? `HTTP ${response.status}`);
  } catch (error) {
    showFailed(emoji, String(error));
  }
}

function showPicked(emoji) {
  show(
    make("h1", {}, "You picked:"),
    make("div", { class: "hero large", role: "img", "aria-label": name(emoji) }, emoji.unicode),
    make("p", {}, "See how you stack up against others"),
    make("div", { class: "actions" }, link("/leaderboard", "View the leaderboard", "main"), link("/", "Pick another one")),
  );
}

function showFailed(emoji, reason) {
  const doughnut = emoji.shortcode === ":doughnut:";
  show(
    make("div", { class: "code" }, "404"),
    make("div", { class: "hero" }, "🚧"),
    doughnut
      ? make("p", {}, "For the sake of this demo, voting for 🍩 always returns an error.")
      : make("p", {}, `We couldn't process your request: ${reason}`),
    make("div", { class: "actions" }, link("/", "Select again", "main")),
  );
}

async function showVote() {
  const head = [
    make("div", { class: "hero" }, "🗳️"),
    make("h1", {}, "EMOJI VOTE"),
    make("p", {}, "Tap to vote for your favorite emoji below"),
    make("div", { class: "actions" }, link("/leaderboard", "View the leaderboard", "main")),
  ];
  show(...head, make("p", {}, "Loading emoji…"));
  try {
    const list = await fetchJson("/api/list");
    const tiles = list.map((emoji) =>
      make("button", { class: "tile", title: name(emoji), "aria-label": `Vote for ${name(emoji)}`, click: () => void vote(emoji, tiles) }, emoji.unicode),
    );
    show(...head, make("ul", { class: "grid" }, ...tiles.map((tile) => make("li", {}, tile))));
  } catch (error) {
    show(...head, make("p", { role: "alert" }, `The emoji could not be loaded: ${error.message}`), make("button", { class: "button", click: () => void route() }, "Try again"));
  }
}

async function showLeaderboard() {
  const head = [
    make("div", { class: "hero" }, "🏆"),
    make("h1", {}, "EMOJI VOTE LEADERBOARD"),
    make("div", { class: "actions" }, link("/", "Vote on your favorite", "main"), make("button", { class: "button", click: () => void route() }, "Refresh")),
  ];
  try {
    const rows = await fetchJson("/api/leaderboard");
    const items = rows.map((row, index) =>
      make(
        "li",
        { class: index === 0 ? "first" : undefined, title: `${name(row)}: ${row.votes} votes` },
        make("div", { class: "tile" }, row.unicode, make("span", { class: "votes" }, row.votes)),
      ),
    );
    show(...head, items.length > 0 ? make("ul", { class: "grid" }, ...items) : make("p", {}, "No votes yet. Be the first!"));
  } catch (error) {
    show(...head, make("p", { role: "alert" }, `Error loading leaderboard: ${error.message}`));
  }
}

function name(emoji) {
  return emoji.shortcode.replaceAll(":", "").replaceAll("_", " ");
}

function route() {
  return location.pathname === "/leaderboard" ? showLeaderboard() : showVote();
}

addEventListener("popstate", () => void route());
void route();
