import source from "../browser/app.browser.js" with { type: "text" };

/** The page's script, served as it is: no build step. */
export const pageScript: string = source;
