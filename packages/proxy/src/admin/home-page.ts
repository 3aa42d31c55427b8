import type { Page, PageParameter } from "./admin-pages.ts";
import { escapeHtml } from "./answer.ts";

const STYLE =
  "body{font:14px sans-serif;margin:1em 2em}td{padding:.15em .6em;vertical-align:top}tr:hover{background:#f2f2f2}form{margin:0}label{display:block;color:#555}";

/** `/` for a browser: each page as a link or, where it changes something, as a button, with fields for its parameters. */
export function homePage(pages: readonly (readonly [path: string, page: Page])[], version: string): string {
  const rows = pages.map(([path, page]) => row(path, page)).join("\n");
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Heddle proxy admin</title><style>${STYLE}</style></head>
<body><h1>Heddle proxy ${escapeHtml(version)}</h1><table>
${rows}
</table></body></html>
`;
}

function row(path: string, { help, post, parameters = [] }: Page): string {
  const name = escapeHtml(path);
  const at = name.slice(1) || ".";
  const fields = parameters.map(field).join("");
  // A form that is posted puts its fields into the body; pages read the query, so the button carries it.
  const send =
    post === true
      ? `<form action="${at}" method="post" onsubmit="this.action='${at}?'+new URLSearchParams([...new FormData(this)].filter(([,v])=>v!==''))"><button>${name}</button>${fields}</form>`
      : fields === ""
        ? `<a href="${at}">${name}</a>`
        : `<form action="${at}" onsubmit="for(const e of this.elements)e.disabled=e.name!==''&&e.value===''"><a href="${at}">${name}</a>${fields}<button>show</button></form>`;
  return `<tr><td>${send}</td><td>${escapeHtml(help)}</td></tr>`;
}

function field({ name, help, choices }: PageParameter): string {
  const input =
    choices === undefined
      ? `<input name="${name}" size="12">`
      : `<select name="${name}">${["", ...choices.filter((one) => one !== "")].map((one) => `<option>${escapeHtml(one)}</option>`).join("")}</select>`;
  return `<label>${input} ${name}: ${escapeHtml(help)}</label>`;
}
