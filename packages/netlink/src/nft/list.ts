import { attributeBe64, attributeList, attributeText, createAttributeWriter, readAttributes } from "../attribute.ts";
import { KernelError } from "../kernel-error.ts";
import { FLAG_DUMP, FLAG_REQUEST, writeMessage } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { DATA, EXPRESSION, FAMILY, LIST_ELEMENT, MSG, RULE, SUBSYSTEM, VERDICT } from "./constants.ts";
import type { Family } from "./ruleset.ts";

/** A rule that is in force: where it is and the kernel names of its expressions. */
export interface ListedRule {
  readonly table: string;
  readonly chain: string;
  /** The kernel's name for the rule within its table. */
  readonly handle: bigint;
  /** Chain that a jump or goto of this rule leads to. */
  readonly target?: string;
  readonly expressions: readonly string[];
}

/** Every rule of a family in the socket's network namespace, in order. Errors: throws `KernelError`. */
export function listRuleset(socket: NetlinkSocket, family: Family): readonly ListedRule[] {
  const writer = createAttributeWriter();
  writeMessage(writer, (SUBSYSTEM << 8) | MSG.getRule, FLAG_REQUEST | FLAG_DUMP, 1, () =>
    writer.raw(Uint8Array.of(FAMILY[family], 0, 0, 0)),
  );
  const rules: ListedRule[] = [];
  for (const reply of socket.exchange(writer.finish())) {
    if (reply.kind === "status" && reply.errno !== 0) {
      throw new KernelError(`list of ${family} rules`, reply.errno, reply.text);
    }
    if (reply.kind !== "data") continue;
    const attributes = readAttributes(reply.message.payload.subarray(4));
    const expressions = attributeList(attributes.get(RULE.expressions) ?? new Uint8Array())
      .filter(([type]) => type === LIST_ELEMENT)
      .map(([, value]) => readAttributes(value));
    const target = expressions.map(jumpTarget).find((chain) => chain !== undefined);
    rules.push({
      table: attributeText(attributes.get(RULE.table)),
      chain: attributeText(attributes.get(RULE.chain)),
      handle: attributeBe64(attributes.get(RULE.handle)),
      ...(target === undefined ? {} : { target }),
      expressions: expressions.map((expression) => attributeText(expression.get(EXPRESSION.name))),
    });
  }
  return rules;
}

const IMMEDIATE_DATA = 2;

function jumpTarget(expression: ReadonlyMap<number, Uint8Array>): string | undefined {
  if (attributeText(expression.get(EXPRESSION.name)) !== "immediate") return undefined;
  const data = readAttributes(expression.get(EXPRESSION.data) ?? new Uint8Array()).get(IMMEDIATE_DATA);
  const verdict = readAttributes(data ?? new Uint8Array()).get(DATA.verdict);
  const chain = readAttributes(verdict ?? new Uint8Array()).get(VERDICT.chain);
  return chain === undefined ? undefined : attributeText(chain);
}
