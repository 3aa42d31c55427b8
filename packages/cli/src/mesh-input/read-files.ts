import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { asKubeObject, isObject, type KubeObject } from "@heddle/config";
import { type Document, isNode, LineCounter, parseAllDocuments } from "yaml";
import { type CliContext, UsageError } from "../context.ts";

/** An object and where it stands. */
export interface FileObject {
  readonly object: KubeObject;
  /** `file.yaml:12` of a field path such as `spec.http[0].route`; of its nearest parent when the field is absent. */
  reference(path: string): string;
}

export interface FilesRead {
  readonly objects: readonly FileObject[];
  /** What could not be read, a sentence each. */
  readonly problems: readonly string[];
}

export interface ReadOptions {
  /** Folders in folders, too. */
  readonly recursive: boolean;
  /** Given to namespaced objects that name none. */
  readonly namespace: string;
}

/** Reads manifests: files, folders (their YAML and JSON files), `-` for standard input. One broken file does not hide the others. */
export async function readFiles(
  context: CliContext,
  sources: readonly string[],
  options: ReadOptions,
): Promise<FilesRead> {
  const objects: FileObject[] = [];
  const problems: string[] = [];
  for (const source of sources) {
    for (const { name, text } of await textsOf(context, source, options.recursive)) {
      const read = objectsOf(name, text, options.namespace);
      objects.push(...read.objects);
      problems.push(...read.problems);
    }
  }
  return { objects, problems };
}

async function textsOf(context: CliContext, source: string, recursive: boolean) {
  if (source === "-") return [{ name: "standard input", text: await context.readStdin() }];
  const found = await stat(source).catch(() => undefined);
  if (found === undefined) throw new UsageError(`${source}: there is no such file or folder`, 64);
  if (!found.isDirectory()) return [{ name: source, text: await readFile(source, "utf8") }];
  const names = (await readdir(source, { recursive })).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => ({ name: join(source, name), text: await readFile(join(source, name), "utf8") })),
  );
}

function objectsOf(name: string, text: string, namespace: string): FilesRead {
  const objects: FileObject[] = [];
  const problems: string[] = [];
  const lines = new LineCounter();
  for (const document of parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true })) {
    const [error] = document.errors;
    if (error !== undefined) {
      problems.push(`${name}: ${error.message.split("\n")[0]}`);
      continue;
    }
    try {
      const take = (value: unknown, prefix: readonly (string | number)[]): void => {
        if (value === null || value === undefined) return;
        if (isObject(value) && Array.isArray(value["items"]) && String(value["kind"]).endsWith("List")) {
          value["items"].forEach((item, index) => {
            take(item, [...prefix, "items", index]);
          });
          return;
        }
        const object = asKubeObject(value);
        if (object === undefined) problems.push(`${name}: a document has no apiVersion, kind or metadata.name`);
        else
          objects.push({
            object: withNamespace(object, namespace),
            reference: (path) => `${name}:${lineOf(document, lines, [...prefix, ...segments(path)])}`,
          });
      };
      take(document.toJS({ maxAliasCount: 100 }), []);
    } catch (cause) {
      problems.push(`${name}: ${cause instanceof Error ? cause.message.split("\n")[0] : cause}`);
    }
  }
  return { objects, problems };
}

/** `spec.http[0].match["a.b"]` → its steps. */
function segments(path: string): readonly (string | number)[] {
  return [...path.matchAll(/\["([^"]*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(([, quoted, index, name]) =>
    index === undefined ? (quoted ?? name ?? "") : Number(index),
  );
}

function lineOf(document: Document, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

const clusterScoped = new Set([
  "Namespace",
  "Node",
  "GatewayClass",
  "IngressClass",
  "CustomResourceDefinition",
  "ClusterRole",
  "ClusterRoleBinding",
  "PersistentVolume",
  "StorageClass",
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
]);

function withNamespace(object: KubeObject, namespace: string): KubeObject {
  if (object.metadata.namespace !== undefined || clusterScoped.has(object.kind)) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}
