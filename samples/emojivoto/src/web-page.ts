import { readFile } from "node:fs/promises";
import script from "./browser/app.browser.js" with { type: "text" };
import icon from "./browser/icon.browser.svg" with { type: "text" };
import style from "./browser/style.browser.css" with { type: "text" };
import { pageHtml } from "./page-html.ts";

/** What the browser loads. */
export interface Page {
  readonly html: string;
  readonly script: string;
  readonly style: string;
  readonly icon: string;
}

/** The page with the message of the day. A bundle that does not exist means the built-in script. */
export async function loadPage(bundle: string, message: string): Promise<Page> {
  const given = await readFile(bundle, "utf8").catch(() => script);
  return { html: pageHtml(message), script: given, style, icon };
}
