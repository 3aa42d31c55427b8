import { attributeList, attributeText, createAttributeWriter, readAttributes } from "../attribute.ts";
import { KernelError } from "../kernel-error.ts";
import { FLAG_DUMP, FLAG_REQUEST, writeMessage } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { EXPRESSION, FAMILY, LIST_ELEMENT, MSG, RULE, SUBSYSTEM } from "./constants.ts";
import type { Family } from "./ruleset.ts";

/** A rule that is in force: where it is and the kernel names of its expressions. */
export interface ListedRule {
  readonly table: string;
  readonly chain: string;
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
    rules.push({
      table: attributeText(attributes.get(RULE.table)),
      chain: attributeText(attributes.get(RULE.chain)),
      expressions: attributeList(attributes.get(RULE.expressions) ?? new Uint8Array())
        .filter(([type]) => type === LIST_ELEMENT)
        .map(([, value]) => attributeText(readAttributes(value).get(EXPRESSION.name))),
    });
  }
  return rules;
}
