import { isSecretName, recordOf, redactText, textOf } from "@heddle/std";

const REDACTED = "[redacted]";
/** Secrets that people write behind flags and in addresses. */
const SECRET_FLAG = /(--?[\w-]*(?:password|passwd|token|secret|api-?key)[\w-]*)([= ])(\S+)/gi;
const USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:)[^\s/@]+@/gi;

/** A line of a log, or any text. */
export function redactLine(text: string): string {
  return redactText(text).replace(SECRET_FLAG, `$1$2${REDACTED}`).replace(USER_INFO, `$1${REDACTED}@`);
}

/** An object of the cluster as it may leave it: without values of Secrets, of secret-looking fields and variables, or what the API server noted. */
export function redactObject(object: unknown): unknown {
  const plain = clean(object);
  if (recordOf(object)["kind"] !== "Secret") return plain;
  const record = recordOf(plain);
  const hide = (values: unknown) => Object.fromEntries(Object.keys(recordOf(values)).map((key) => [key, REDACTED]));
  return {
    ...record,
    ...(record["data"] === undefined ? {} : { data: hide(record["data"]) }),
    ...(record["stringData"] === undefined ? {} : { stringData: hide(record["stringData"]) }),
  };
}

/** Repeats the whole object, secrets included, or says nothing to a reader. */
const DROPPED: ReadonlySet<string> = new Set(["managedFields", "kubectl.kubernetes.io/last-applied-configuration"]);
/** Envoy's and Kubernetes' fields of these names hold names and references, no values. */
const HARMLESS: ReadonlySet<string> = new Set(["serviceAccountToken", "token_file", "key"]);

function clean(value: unknown): unknown {
  if (typeof value === "string") return redactLine(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  const record = recordOf(value);
  // A variable: its name says whether its value is a secret.
  const secretVariable = typeof record["value"] === "string" && isSecretName(textOf(record["name"]));
  const kept: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(record)) {
    if (DROPPED.has(name)) continue;
    const secret =
      (secretVariable && name === "value") || (isSecretName(name) && !HARMLESS.has(name) && typeof item === "string");
    kept[name] = secret ? REDACTED : clean(item);
  }
  return kept;
}
