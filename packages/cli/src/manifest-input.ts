import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@heddle/config";
import { parseAllDocuments } from "yaml";
import { type CliContext, UsageError } from "./context.ts";

const FETCH_TIMEOUT_MS = 30_000;

interface Text {
  /** What it is called in messages. */
  readonly name: string;
  readonly text: string;
}

/**
 * Objects of a manifest: `-` is standard input, a folder means all its YAML and JSON files, an http(s) address is fetched.
 * Errors: UsageError naming source, line and reason.
 */
export async function readManifest(context: CliContext, source: string): Promise<readonly JsonObject[]> {
  const objects = (await textsOf(context, source)).flatMap(objectsOf);
  if (objects.length === 0)
    throw new UsageError(`${source === "-" ? "standard input" : source} holds no Kubernetes object`);
  return objects;
}

async function textsOf(context: CliContext, source: string): Promise<readonly Text[]> {
  if (source === "-") return [{ name: "standard input", text: await context.readStdin() }];
  if (/^https?:\/\//.test(source)) return [{ name: source, text: await fetchText(source) }];
  const found = await stat(source).catch(() => undefined);
  if (!found) throw new UsageError(`${source}: there is no such file or folder`);
  const read = async (path: string): Promise<Text> => ({
    name: path,
    text: await readFile(path, "utf8").catch((error: Error) => {
      throw new UsageError(`${path}: ${error.message}`);
    }),
  });
  if (!found.isDirectory()) return [await read(source)];
  const names = (await readdir(source, { recursive: true })).filter((n) => /\.(ya?ml|json)$/.test(n)).sort();
  return Promise.all(names.map((name) => read(join(source, name))));
}

async function fetchText(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (response.ok) return await response.text();
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  } catch (error) {
    throw new UsageError(`${url}: ${error instanceof Error ? error.message : error}; is the address right?`);
  }
}

function objectsOf({ name, text }: Text): JsonObject[] {
  const objects: JsonObject[] = [];
  for (const document of parseAllDocuments(text)) {
    const problem = document.errors[0];
    if (problem) throw new UsageError(`${name}: ${problem.message.trimEnd()}`);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) continue;
    if (typeof value !== "object" || !("kind" in value))
      throw new UsageError(`${name}: a document is no Kubernetes object: it has no kind`);
    objects.push(value as JsonObject);
  }
  return objects;
}
