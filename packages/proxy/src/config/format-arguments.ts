import type { DecodeScope } from "./scope.ts";

const BITS = /^\d{1,3}$/;
const NAME_FROM = ["SNI_ONLY", "SNI_FIRST", "HOST_FIRST"];
const HOST_FROM = ["ORIG", "HOST", "ORIG_OR_HOST"];

/** Arguments with a few known values, where any other would change nothing without a word. Source: Envoy 1.40 substitution commands. */
export function checkArgument(name: string, argument: string | undefined, scope: DecodeScope): void {
  if (argument === undefined || argument === "") return;
  const wrong = (takes: string) => scope.problem(`%${name}(${argument})%: the argument is ${takes}`);
  if (name.endsWith("_ADDRESS_WITHOUT_PORT")) {
    if (!BITS.test(argument) || Number(argument) > 128) wrong("a number of bits from 0 to 128");
  } else if (name === "REQUESTED_SERVER_NAME") {
    const [from = "", host = "ORIG_OR_HOST", ...more] = argument.split(":");
    if (!NAME_FROM.includes(from) || !HOST_FROM.includes(host) || more.length > 0)
      wrong(`one of ${NAME_FROM.join(", ")}, and after a colon one of ${HOST_FROM.join(", ")}`);
  } else if (name === "RESPONSE_CODE_DETAILS" && argument !== "ALLOW_WHITESPACES")
    wrong("ALLOW_WHITESPACES or nothing");
}
