import type { KubeObject } from "../../contract/index.ts";
import { type PodFacts, podField, resourceField } from "../container/pod-fields.ts";
import { fieldsOf, textMap } from "../spec/decode.ts";
import type { PodSpec } from "../spec/pod-spec.ts";
import type { FileSource } from "../spec/volume-spec.ts";

/** A file of a volume. */
export interface VolumeFile {
  readonly data: Uint8Array;
  readonly mode: number;
}

export type VolumeContent =
  | { readonly kind: "content"; readonly files: ReadonlyMap<string, VolumeFile> }
  | { readonly kind: "invalid"; readonly message: string };

/** Everything a volume of files is made of. */
export interface ContentInput {
  readonly sources: readonly FileSource[];
  readonly defaultMode: number;
  readonly spec: PodSpec;
  readonly facts: PodFacts;
  /** By `kind/name`. */
  readonly objects: ReadonlyMap<string, KubeObject>;
  /** Tokens in the order of the `serviceAccountToken` sources. */
  readonly tokens: readonly string[];
}

/** Values of a ConfigMap or Secret as bytes. */
function objectBytes(object: KubeObject): ReadonlyMap<string, Uint8Array> {
  const result = new Map<string, Uint8Array>();
  const base64 = textMap(object.kind === "Secret" ? object["data"] : fieldsOf(object["binaryData"]));
  const plain = object.kind === "Secret" ? {} : textMap(object["data"]);
  for (const [key, value] of Object.entries(plain)) result.set(key, Buffer.from(value));
  for (const [key, value] of Object.entries(base64)) result.set(key, Buffer.from(value, "base64"));
  return result;
}

class ContentProblem extends Error {}

/** The files of a configMap, secret, downwardAPI or projected volume. Pure. */
export function volumeContent(input: ContentInput): VolumeContent {
  const files = new Map<string, VolumeFile>();
  const tokens = [...input.tokens];
  try {
    for (const source of input.sources) addSource(source, input, tokens, files);
  } catch (error) {
    if (error instanceof ContentProblem) return { kind: "invalid", message: error.message };
    throw error;
  }
  for (const path of files.keys()) {
    if (path === "" || path.startsWith("/") || path.split("/").includes("..")) {
      return { kind: "invalid", message: `invalid path "${path}": it must be relative and stay inside the volume` };
    }
  }
  return { kind: "content", files };
}

function addSource(source: FileSource, input: ContentInput, tokens: string[], files: Map<string, VolumeFile>): void {
  switch (source.kind) {
    case "configMap":
    case "secret": {
      const object = input.objects.get(`${source.kind}/${source.name}`);
      if (!object) {
        if (source.optional) return;
        throw new ContentProblem(`${source.kind.toLowerCase()} "${source.name}" not found`);
      }
      const data = objectBytes(object);
      const items = source.items ?? [...data.keys()].map((key) => ({ key, path: key, mode: undefined }));
      for (const item of items) {
        const value = data.get(item.key);
        if (value) files.set(item.path, { data: value, mode: item.mode ?? input.defaultMode });
        else if (!source.optional)
          throw new ContentProblem(`references non-existent ${source.kind.toLowerCase()} key: ${item.key}`);
      }
      return;
    }
    case "downwardAPI": {
      for (const item of source.items) {
        const container = [...input.spec.containers, ...input.spec.initContainers].find(
          (c) => c.name === item.resource?.container,
        );
        const result = item.resource
          ? resourceField(item.resource.resource, item.resource.divisor, container, input.facts)
          : podField(item.fieldPath ?? "", input.facts);
        if (result.kind === "unknown") throw new ContentProblem(result.message);
        files.set(item.path, { data: Buffer.from(result.value), mode: item.mode ?? input.defaultMode });
      }
      return;
    }
    case "serviceAccountToken":
      files.set(source.path, { data: Buffer.from(tokens.shift() ?? ""), mode: input.defaultMode });
  }
}
