/** Letters of Kubernetes' random names. Source: apimachinery util/rand. */
const SAFE = "[bcdfghjklmnpqrstvwxz2456789]";

/** Evens out what differs between any two clusters, and between two runs on one: names that were drawn, addresses, times, counters, column widths. */
const rules: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uid>"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "<token>"],
  [/\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, "<time>"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "<time>"],
  [/(containerd|heddle):\/\/[0-9a-f]+/g, "<container>"],
  [/\b(node\d+|heddle-node)\b/g, "<node>"],
  [/\b\d+\.\d+\.\d+\.\d+\b(?!\/\d)/g, "<ip>"],
  // Before the drawn names: digits alone may look like one.
  [/\/tmp\/(LIVE|MERGED)-\d+/g, "$1"],
  [new RegExp(`-${SAFE}{7,10}-${SAFE}{5}\\b`, "g"), "-<hash>-<id>"],
  [new RegExp(`-${SAFE}{7,10}\\b`, "g"), "-<hash>"],
  [new RegExp(`-${SAFE}{5}\\b`, "g"), "-<id>"],
  [new RegExp(`(pod-template-hash[=:] ?"?)${SAFE}{7,10}`, "g"), "$1<hash>"],
  [/(resourceVersion"?: ?"?|RESOURCE_VERSION=|too old resource version: )\d+( \(\d+\))?/gi, "$1<version>"],
  [/^( *Resource Version:) +\d+/gm, "$1 <version>"],
  [/(\d+):3\d{4}\/TCP/g, "$1:<node port>/TCP"],
  [/^(NodePort: .*?)\s+3\d{4}\/TCP/gm, "$1 <node port>/TCP"],
  [/(nodePort"?: )3\d{4}/g, "$1<node port>"],
  [/patch: Invalid value: "(?:[^"\\]|\\.)*"/g, 'patch: Invalid value: "<object>"'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000/g, "<time>"],
  [/("?generation"?|"?observedGeneration"?): \d+/g, "$1: <n>"],
  [/(?<![=\w.:"-])(?:\d+[smhd])+(?![\w"=])/g, "<age>"],
  [/<age> \(<age> ago\)/g, "<age>"],
  [/(?<=\S) {2,}/g, "  "],
  [/(?<=\S)\t+ */g, "  "],
  [/ +$/gm, ""],
];

export function normalise(text: string): string {
  const lines = text.split("\n").map((line) => (line.startsWith("{") ? withSortedKeys(line) : line));
  return rules.reduce((t, [pattern, by]) => t.replace(pattern, by), lines.join("\n"));
}

/** JSON of `--raw` on one line: the order of keys means nothing; who owns which field is compared elsewhere. */
function withSortedKeys(line: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(line)));
  } catch {
    return line;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "managedFields")
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
