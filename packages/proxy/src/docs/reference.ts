import type { Shape } from "../config/shape.ts";
import { REFERENCE_SECTIONS } from "./reference-sections.ts";
import { statsSection } from "./stats-section.ts";

const HEAD = `# What of Envoy the built-in proxy does

Written by \`bin/bun packages/proxy/generate-docs.ts\` from the lists that the decoders check configuration with; a test compares. A field is

- **supported**: the proxy does what Envoy documents;
- **accepted**: taken without effect, for the reason that stands beside it;
- **refused**: a resource that sets it is not applied, and the NACK names its path. Remove it, or run the workload with Envoy
  (annotation \`heddle.io/data-plane: envoy\`).

A message, extension or field that is not listed is refused too. \`heddle proxy -c FILE\` takes an Envoy bootstrap (v3, or the old v2 form with a
warning that shows the v3 form), \`--mode validate\` only checks it.
`;

/** `docs/proxy.md`. */
export function proxyReference(): string {
  const counts = { supported: 0, accepted: 0, refused: 0 };
  for (const { shapes } of REFERENCE_SECTIONS) {
    for (const shape of shapes) {
      counts.supported += shape.supported.length;
      counts.accepted += shape.ignored.length;
      counts.refused += shape.refused.length;
    }
  }
  const sections = REFERENCE_SECTIONS.map(({ title, extensions, shapes }) =>
    [
      `## ${title}`,
      ...extensions.map(([label, types]) => `${label}:\n\n${types.map((type) => `- \`${type}\``).join("\n")}`),
      ...shapes.map(messageTable),
    ].join("\n\n"),
  );
  const sum = `Fields: ${counts.supported} supported, ${counts.accepted} accepted, ${counts.refused} refused.`;
  return `${[HEAD.trimEnd(), sum, ...sections, statsSection()].join("\n\n")}\n`;
}

function messageTable(shape: Shape): string {
  const rows = shape.schema.fields.map(({ name }) => {
    const state = shape.supported.includes(name)
      ? "supported"
      : shape.ignored.includes(name)
        ? "accepted"
        : "**refused**";
    return `| \`${name}\` | ${state} | ${(shape.reasons.get(name) ?? "").replaceAll("|", "\\|")} |`;
  });
  return [`### \`${shape.schema.typeName}\``, "", "| field | | |", "|---|---|---|", ...rows].join("\n");
}
