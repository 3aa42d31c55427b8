import { type ObjectRef, refText } from "@heddle/config";
import { type Code, codes, type Level } from "./codes.ts";

/** One thing that an analyzer has to say about one object. */
export interface Finding {
  readonly code: Code;
  /** The object that has to be changed. */
  readonly object: ObjectRef;
  /** Field path inside the object, "" for the whole object. */
  readonly path: string;
  /** What is wrong, the likely cause and the next step. */
  readonly message: string;
  /** `file.yaml:12` where the object came from a file, else "". */
  readonly reference: string;
}

export function levelOf(finding: Finding): Level {
  return codes[finding.code].level;
}

/** @param path Field path inside the object, "" for the whole object. */
export function finding(code: Code, object: ObjectRef, path: string, message: string): Finding {
  return { code, object, path, message, reference: "" };
}

/** One line as `istioctl analyze` prints it: `Error [IST0101] (VirtualService default/reviews reviews.yaml:1) …`. */
export function findingText(
  one: Finding,
  paint: (level: Level, text: string) => string = (_level, text) => text,
): string {
  const origin = [refText(one.object), one.reference].filter((part) => part !== "").join(" ");
  const level = levelOf(one);
  return `${paint(level, level)} [${one.code}] (${origin}) ${one.path === "" ? "" : `${one.path}: `}${one.message}`;
}

/** The members of `istioctl analyze -o json`, and the field path. */
export interface FindingJson {
  readonly code: string;
  readonly name: string;
  readonly level: Level;
  readonly origin: string;
  readonly path?: string;
  readonly message: string;
  readonly reference?: string;
  readonly documentationUrl: string;
}

export function findingJson(one: Finding): FindingJson {
  return {
    code: one.code,
    name: codes[one.code].name,
    level: levelOf(one),
    origin: refText(one.object),
    ...(one.path === "" ? {} : { path: one.path }),
    message: one.message,
    ...(one.reference === "" ? {} : { reference: one.reference }),
    documentationUrl: `https://istio.io/latest/docs/reference/config/analysis/${one.code.toLowerCase()}/`,
  };
}
