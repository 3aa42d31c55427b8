/** What the browser gets is imported as text: `import source from "./x.browser.js" with { type: "text" }`. */
declare module "*.browser.js" {
  const source: string;
  export default source;
}
declare module "*.browser.css" {
  const source: string;
  export default source;
}
declare module "*.browser.svg" {
  const source: string;
  export default source;
}
