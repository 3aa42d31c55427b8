const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** The one page; the script shows voting, leaderboard or the failed vote by its path. */
export function pageHtml(message: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Emoji Vote</title>
<link rel="icon" href="/img/favicon.ico">
<link rel="stylesheet" href="/css">
</head>
<body>
<header><a class="brand" href="/">EMOJI VOTE</a><nav><a href="/">Vote</a><a href="/leaderboard">Leaderboard</a></nav></header>
${message ? `<p class="message">${escapeHtml(message)}</p>` : ""}
<main id="main" aria-live="polite"><p class="quiet">Loading…</p></main>
<script type="module" src="/js"></script>
</body>
</html>
`;
}
