import type { LazyEnum } from "./lazy-enum.ts";
import { type ImportedFile, LazyFile } from "./lazy-file.ts";
import type { LazyMessage } from "./lazy-message.ts";
import type { LazyService } from "./lazy-service.ts";

/**
 * What the generated code calls, in place of `@bufbuild/protobuf/codegenv2`: the same functions, over descriptors that are read on demand.
 * The library's own build every descriptor of a file when the file is loaded; for a proxy those are 100,000 objects, most of them never used.
 */
export function fileDesc(encoded: string, imports: readonly ImportedFile[] = []): LazyFile {
  return new LazyFile(encoded, imports);
}

/** The message at a place: an index in the file, then one in each message around it. */
export function messageDesc(file: LazyFile, index: number, ...nested: number[]): LazyMessage {
  return nested.reduce((outer, at) => need(outer.nestedMessages[at]), need(file.messages[index]));
}

export function enumDesc(file: LazyFile, index: number, ...nested: number[]): LazyEnum {
  const at = nested.pop();
  if (at === undefined) return need(file.enums[index]);
  return need(messageDesc(file, index, ...nested).nestedEnums[at]);
}

export function serviceDesc(file: LazyFile, index: number): LazyService {
  return need(file.services[index]);
}

/** An enumeration as TypeScript compiles it: names to numbers and back. */
export function tsEnum(desc: LazyEnum): Record<string, string | number> {
  const out: Record<string, string | number> = {};
  for (const value of desc.values) {
    out[value.localName] = value.number;
    out[value.number] = value.localName;
  }
  return out;
}

function need<T>(found: T | undefined): T {
  if (found === undefined)
    throw new Error("the generated code and its descriptor differ; write src/gen anew with generate.ts");
  return found;
}
