import type { IncomingMessage, ServerResponse } from "node:http";
import { badRequest, tooLarge, unsupportedMediaType } from "../errors/api-errors.ts";
import { type Draft, isDict } from "../json/json-value.ts";
import { type ProtobufDecoder, ProtobufError } from "../schema/protobuf.ts";
import type { Actor } from "../write/write-request.ts";
import type { AnswerForm } from "./accept.ts";
import type { RequestInfo } from "./request-info.ts";

/** One request on its way, with what is known about it. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly info: RequestInfo;
  readonly actor: Actor;
  readonly form: AnswerForm;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly warnings: string[];
}

const LIMIT_BYTES = 3 * 1024 * 1024;

export function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
}

/** Errors: 413 beyond 3 MiB. */
export async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > LIMIT_BYTES) throw tooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

export async function readBody(request: IncomingMessage): Promise<string> {
  return (await readBytes(request)).toString("utf8");
}

const JSON_TYPES = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/** Parses JSON, or YAML and protobuf where the type says so. Errors: 400 and 415. */
export async function parseBody(source: Buffer, contentType: string, protobuf: ProtobufDecoder): Promise<Draft> {
  const type = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  if (type.includes("cbor")) throw unsupportedMediaType(JSON_TYPES, type);
  if (type === "application/vnd.kubernetes.protobuf") {
    try {
      return protobuf.decode(source);
    } catch (error) {
      if (error instanceof ProtobufError) throw badRequest(error.message);
      throw error;
    }
  }
  const value = await parseText(source.toString("utf8"), type.includes("yaml"));
  if (isDict(value)) return { ...value };
  throw badRequest("the object provided is unrecognized: the body must be a JSON object");
}

export async function parseText(source: string, yaml: boolean): Promise<unknown> {
  try {
    return JSON.parse(source);
  } catch (error) {
    if (!yaml) {
      throw badRequest(
        `the body of the request was not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  try {
    const { parse } = await import("yaml");
    return parse(source);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}
