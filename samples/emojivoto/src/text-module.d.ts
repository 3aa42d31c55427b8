/** Browser scripts are imported as text: `import source from "./x.browser.js" with { type: "text" }`. */
declare module "*.browser.js" {
  const source: string;
  export default source;
}
