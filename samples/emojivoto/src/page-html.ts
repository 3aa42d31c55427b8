/** The one document of the page; `message` is shown above it when it isn't empty. */
export function pageHtml(message: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Emoji Vote</title>
    <link rel="icon" href="/img/favicon.ico">
    <link rel="stylesheet" href="/dist/style.css">
  </head>
  <body>
    <div id="motd" class="motd">${escapeHtml(message)}</div>
    <main id="main" aria-live="polite"></main>
    <script src="/js" defer></script>
  </body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
