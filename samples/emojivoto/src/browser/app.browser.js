// The page of the game: voting, leaderboard, and what a failed vote shows.
const main = document.getElementById("main");
function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className)
    made.className = className;
  made.textContent = text;
  return made;
}
function show(...children) {
  main.replaceChildren(...children);
}
async function api(path) {
  const response = await fetch(path);
  if (!response.ok)
    throw new Error(String(response.status));
  return response.json();
}
function link(href, text) {
  const made = element("a", "button", text);
  made.setAttribute("href", href);
  return made;
}
function showFailure(code) {
  const box = element("section", "result failed");
  box.append(element("h1", "", code), element("p", "", "\uD83D\uDEA7 Uh oh."), element("p", "quiet", "Your vote did not get through. The mesh can tell where it failed."));
  box.append(link("/", "Select again"));
  show(box);
}
async function vote(emoji) {
  const response = await fetch(`/api/vote?choice=${encodeURIComponent(emoji.shortcode)}`);
  if (!response.ok)
    return showFailure(response.status === 400 ? "400" : "404");
  const box = element("section", "result");
  box.append(element("div", "big", emoji.unicode), element("h1", "", "You chose"), element("p", "quiet", emoji.shortcode));
  box.append(link("/", "Pick another one"));
  show(box);
}
async function showVoting() {
  const grid = element("div", "grid");
  for (const emoji of await api("/api/list")) {
    const button = element("button", "emoji", emoji.unicode);
    button.setAttribute("aria-label", `vote for ${emoji.shortcode}`);
    button.addEventListener("click", () => void vote(emoji));
    grid.append(button);
  }
  show(element("h1", "", "Tap to vote for your favorite emoji below"), grid);
}
async function showLeaderboard() {
  const list = element("ol", "board");
  for (const emoji of await api("/api/leaderboard")) {
    const item = element("li", "", emoji.unicode);
    item.setAttribute("title", emoji.shortcode);
    item.append(element("small", "", `${emoji.votes ?? 0}`));
    list.append(item);
  }
  show(element("h1", "", "Emoji vote leaderboard"), list.childElementCount ? list : element("p", "quiet", "No votes yet."));
}
const view = location.pathname.startsWith("/leaderboard") ? showLeaderboard : showVoting;
view().catch((error) => showFailure(error.message));
