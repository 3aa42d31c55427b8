import type { Shape } from "../config/shape.ts";
import { behaviourSection } from "./behaviour-section.ts";
import { flagsSection } from "./flags-section.ts";
import { operatorsSection } from "./operators-section.ts";
import { REFERENCE_SECTIONS } from "./reference-sections.ts";
import { statsSection } from "./stats-section.ts";

const HEAD = `# What of Envoy the built-in proxy does

Written by \`bin/bun packages/proxy/generate-docs.ts\` from the lists that the decoders check configuration with; a test compares. A field is

- **supported**: the proxy does what Envoy documents;
- **only** with its values: another value is refused, because it would change what Envoy does;
- **differs**: taken, and the proxy does what stands beside it (the list at the end; decision 0013 says why that is no harm);
- **no effect**: by Envoy's own definition it changes neither traffic nor what users see (the list at the end);
- **refused**: a resource that sets it is not applied, and the NACK names its path. Remove it, or run the workload with Envoy
  (annotation \`heddle.io/data-plane: envoy\`).

A message, extension or field that is not listed is refused too. \`heddle proxy -c FILE\` takes an Envoy bootstrap (v3, or the old v2 form with a
warning that shows the v3 form), \`--mode validate\` only checks it.
`;

/** `docs/proxy.md`. */
export function proxyReference(): string {
  const counts = { supported: 0, only: 0, differs: 0, inert: 0, refused: 0 };
  for (const { shapes } of REFERENCE_SECTIONS) {
    for (const shape of shapes) {
      counts.supported += shape.supported.length;
      counts.only += shape.only.size;
      counts.differs += shape.differs.length;
      counts.inert += shape.inert.length;
      counts.refused += shape.refused.length;
    }
  }
  const sections = REFERENCE_SECTIONS.map(({ title, extensions, leftOut, shapes }) =>
    [
      `## ${title}`,
      ...extensions.map(([label, types]) => `${label}:\n\n${types.map((type) => `- \`${type}\``).join("\n")}`),
      ...(leftOut === undefined ? [] : [leftOutList(leftOut)]),
      ...shapes.map(messageTable),
    ].join("\n\n"),
  );
  const sum = `Fields: ${counts.supported} supported, ${counts.only} with some values only, ${counts.differs} that differ, ${counts.inert} without effect, ${counts.refused} refused.`;
  const differs = listed("Fields that are taken and differ from Envoy", (shape) => shape.differs);
  const inert = listed("Fields that change neither traffic nor what users see", (shape) => shape.inert);
  return `${[HEAD.trimEnd(), sum, ...sections, differs, behaviourSection(), inert, operatorsSection(), statsSection(), flagsSection()].join("\n\n")}\n`;
}

/** Fields of all messages that share a state, each with its reason. */
function listed(title: string, names: (shape: Shape) => readonly string[]): string {
  const rows = REFERENCE_SECTIONS.flatMap(({ shapes }) =>
    shapes.flatMap((shape) =>
      names(shape).map((name) => {
        const message = shape.schema.typeName.slice(shape.schema.typeName.lastIndexOf(".") + 1);
        return `| \`${message}.${name}\` | ${cell(shape.reasons.get(name))} |`;
      }),
    ),
  );
  return [`## ${title}`, "", "| field | |", "|---|---|", ...rows].join("\n");
}

function cell(text = ""): string {
  return text.replaceAll("|", "\\|");
}

function stateOf(shape: Shape, name: string): string {
  if (shape.supported.includes(name)) return "supported";
  const only = shape.only.get(name);
  if (only !== undefined) return `only ${only.values.map((value) => `\`${value}\``).join(", ")}`;
  if (shape.differs.includes(name)) return "differs";
  return shape.inert.includes(name) ? "no effect" : "**refused**";
}

function leftOutList(types: Readonly<Record<string, string>>): string {
  const lines = Object.entries(types).map(([type, reason]) => `- \`${type}\`: **refused**; ${reason}`);
  return `Left out:\n\n${lines.join("\n")}`;
}

function messageTable(shape: Shape): string {
  const rows = shape.schema.fields.map(
    ({ name }) => `| \`${name}\` | ${stateOf(shape, name)} | ${cell(shape.reasons.get(name))} |`,
  );
  return [`### \`${shape.schema.typeName}\``, "", "| field | | |", "|---|---|---|", ...rows].join("\n");
}
