import type { Explanation } from "./explain-request.ts";
import { percent } from "./http-filters.ts";
import { originText } from "./origin.ts";
import { targetText } from "./request.ts";
import type { Outcome, Step } from "./step.ts";

/** The explanation as text: every step with who decided it, then each outcome. */
export function explanationText(explanation: Explanation): string {
  const { request, from, steps, outcomes } = explanation;
  const bytes = request.scheme === "tcp" || request.scheme === "tls";
  const what = bytes ? "a connection to" : request.method;
  const lines = [`${what} ${targetText(request)} from ${from}`, "", ...numbered(steps, 1)];
  const several = outcomes.length > 1;
  for (const [index, outcome] of outcomes.entries()) {
    lines.push("");
    if (several) lines.push(`${String.fromCharCode(97 + (index % 26))}) ${percent(outcome.share)} of the requests:`);
    lines.push(...numbered(outcome.steps, steps.length + 1), resultLine(outcome));
  }
  return `${lines.join("\n")}\n`;
}

function numbered(steps: readonly Step[], first: number): readonly string[] {
  return steps.flatMap((step, index) => [
    `${String(first + index).padStart(2)}. ${step.side === "server" ? "far side: " : ""}${step.stage} ${step.name}`,
    `      because ${step.because}`,
    ...step.decidedBy.map((origin) => `      decided by ${originText(origin)}`),
    ...step.details.map((detail) => `      ${detail}`),
  ]);
}

function resultLine({ result, status, flag, reason, delayMs }: Outcome): string {
  const word = { delivered: "DELIVERED", answered: "ANSWERED", refused: "REFUSED" }[result];
  const facts = [
    ...(status === undefined ? [] : [String(status)]),
    ...(flag === undefined ? [] : [flag]),
    ...(delayMs === undefined ? [] : [`after ${delayMs} ms`]),
  ];
  return `=> ${word}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}: ${reason}`;
}
