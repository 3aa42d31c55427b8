import { literalRegex } from "@heddle/std";
import { UsageError } from "../context.ts";
import type { WrittenRoute } from "./profile-object.ts";

/** Routes of a `.proto` file: one for each method of its services. Source: linkerd pkg/profiles/proto.go. Errors: UsageError. */
export function protoRoutes(text: string, file: string): readonly WrittenRoute[] {
  const bare = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, " ").replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""');
  const prefix = /\bpackage\s+([\w.]+)\s*;/.exec(bare)?.[1];
  const routes: WrittenRoute[] = [];
  for (const { 1: service = "", index, 0: head } of bare.matchAll(/\bservice\s+(\w+)\s*\{/g)) {
    const body = blockFrom(bare, index + head.length);
    for (const [, method = ""] of body.matchAll(/\brpc\s+(\w+)\s*\(/g)) {
      const path = `/${prefix === undefined ? "" : `${prefix}.`}${service}/${method}`;
      routes.push({ name: method, condition: { method: "POST", pathRegex: literalRegex(path) } });
    }
  }
  if (routes.length === 0)
    throw new UsageError(`${file}: has no service with an rpc; expected a .proto file of a gRPC service`);
  return routes;
}

/** Up to the brace that closes the one before `start`. */
function blockFrom(text: string, start: number): string {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return text.slice(start, i);
  }
  return text.slice(start);
}
