export { applyIntercept } from "./apply.ts";
export { parseCommandLine } from "./command-line.ts";
export { iptablesText } from "./iptables-text.ts";
export { main } from "./main.ts";
export { DEFAULT_OPTIONS, type InterceptOptions } from "./options.ts";
export { interceptRuleset } from "./ruleset.ts";
