/** Letters of Kubernetes' random names. Source: apimachinery util/rand. */
const SAFE = "[bcdfghjklmnpqrstvwxz2456789]";

/** Evens out what differs between any two clusters, and between two runs on one: names that were drawn, addresses, times, counters, column widths. */
const rules: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uid>"],
  [/\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, "<time>"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "<time>"],
  [/(containerd|heddle):\/\/[0-9a-f]+/g, "<container>"],
  [/\b(node\d+|heddle-node)\b/g, "<node>"],
  [/\b\d+\.\d+\.\d+\.\d+\b(?!\/\d)/g, "<ip>"],
  [
    new RegExp(`-${SAFE}{7,10}(-${SAFE}{5})?\\b`, "g"),
    (_: string, pod?: string) => (pod ? "-<hash>-<id>" : "-<hash>"),
  ] as never,
  [new RegExp(`-${SAFE}{5}\\b`, "g"), "-<id>"],
  [new RegExp(`(pod-template-hash[=:] ?"?)${SAFE}{7,10}`, "g"), "$1<hash>"],
  [/(resourceVersion"?: ?"?|RESOURCE_VERSION=|too old resource version: )\d+( \(\d+\))?/gi, "$1<version>"],
  [/("?generation"?|"?observedGeneration"?): \d+/g, "$1: <n>"],
  [/(?<![=\w.:"-])(?:\d+[smhd])+(?![\w"=])/g, "<age>"],
  [/<age> \(<age> ago\)/g, "<age>"],
  [/(?<=\S) {2,}/g, "  "],
  [/(?<=\S)\t+ */g, "  "],
  [/ +$/gm, ""],
];

export function normalise(text: string): string {
  return rules.reduce((t, [pattern, by]) => t.replace(pattern, by), text);
}
