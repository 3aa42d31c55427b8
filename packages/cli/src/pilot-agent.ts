import { loadProxy } from "./bundle/load-proxy.ts";

/**
 * The name by which Istio's walkthroughs call the program of the sidecar's container: `pilot-agent request GET stats`, `pilot-agent wait`,
 * `pilot-agent proxy sidecar`. The words behind it are those of `heddle proxy`.
 */
const [first, ...rest] = process.argv.slice(2);
const words = first === undefined ? [] : first === "proxy" ? rest : [first, ...rest];
process.exitCode = await (await loadProxy(process.env)).main(words, process.env);
