// Hot path: once per request where tracing is configured.
import { HEADER_ID, type HeaderList } from "@heddle/wire";

const TRACEPARENT = HEADER_ID.traceparent;
const B3 = HEADER_ID.b3;
const B3_TRACE_ID = HEADER_ID["x-b3-traceid"];
const B3_SPAN_ID = HEADER_ID["x-b3-spanid"];
const B3_PARENT_ID = HEADER_ID["x-b3-parentspanid"];
const B3_SAMPLED = HEADER_ID["x-b3-sampled"];
const B3_FLAGS = HEADER_ID["x-b3-flags"];

/** Header forms of a trace context; a set of bits. */
export const W3C = 1;
export const B3_MULTI = 2;
export const B3_SINGLE = 4;

/** Where a request stands in its trace, as its sender says. */
export interface TraceContext {
  /** 32 or 16 lower-case hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  /** Undefined: the receiver decides. */
  readonly sampled: boolean | undefined;
  /** Headers that it was read from. */
  readonly forms: number;
}

const ID_128 = /^(?!0{32})[0-9a-f]{32}$/;
const ID_64 = /^(?!0{16})[0-9a-f]{16}$/;
/** A later version may carry more after the flags. */
const PARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * W3C's header counts before B3 in one header, that before B3 in several; others that stand beside it are kept up to date.
 * Errors: undefined for what is malformed, as when there is nothing. Source: W3C Trace Context 1, openzipkin/b3-propagation.
 */
export function readTraceContext(headers: HeaderList): TraceContext | undefined {
  const parent = headers.getId(TRACEPARENT);
  const single = headers.getId(B3);
  const multi = headers.hasId(B3_TRACE_ID) || headers.hasId(B3_SAMPLED) || headers.hasId(B3_FLAGS);
  if (parent === undefined && single === undefined && !multi) return undefined;
  const forms = (parent === undefined ? 0 : W3C) | (single === undefined ? 0 : B3_SINGLE) | (multi ? B3_MULTI : 0);
  return (
    (parent === undefined ? undefined : readParent(parent, forms)) ??
    (single === undefined ? undefined : readSingle(single, forms)) ??
    (multi ? readMulti(headers, forms) : undefined)
  );
}

function readParent(text: string, forms: number): TraceContext | undefined {
  const found = PARENT.exec(text);
  const [, traceId = "", spanId = "", flags = "0"] = found ?? [];
  // Version 0 ends with the flags.
  if (found === null || (text.startsWith("00") && found[4] !== undefined)) return undefined;
  if (!ID_128.test(traceId) || !ID_64.test(spanId)) return undefined;
  return { traceId, spanId, parentId: "", sampled: (Number.parseInt(flags, 16) & 1) === 1, forms };
}

/** `TRACEID-SPANID-SAMPLED-PARENT`, or the decision alone. */
function readSingle(text: string, forms: number): TraceContext | undefined {
  const [traceId = "", spanId = "", sampled = "", parentId = ""] = text.toLowerCase().split("-");
  if (spanId === "") return withoutIds(decision(traceId), forms);
  if (!isTraceId(traceId) || !ID_64.test(spanId) || !isParentId(parentId)) return undefined;
  return { traceId, spanId, parentId, sampled: decision(sampled), forms };
}

function readMulti(headers: HeaderList, forms: number): TraceContext | undefined {
  const traceId = (headers.getId(B3_TRACE_ID) ?? "").toLowerCase();
  const spanId = (headers.getId(B3_SPAN_ID) ?? "").toLowerCase();
  const sampled = headers.getId(B3_FLAGS) === "1" ? true : decision((headers.getId(B3_SAMPLED) ?? "").toLowerCase());
  if (traceId === "") return withoutIds(sampled, forms);
  const parentId = (headers.getId(B3_PARENT_ID) ?? "").toLowerCase();
  if (!isTraceId(traceId) || !ID_64.test(spanId) || !isParentId(parentId)) return undefined;
  return { traceId, spanId, parentId, sampled, forms };
}

/** Only whether to sample was said; the trace begins here. */
function withoutIds(sampled: boolean | undefined, forms: number): TraceContext | undefined {
  return sampled === undefined ? undefined : { traceId: "", spanId: "", parentId: "", sampled, forms };
}

function decision(text: string): boolean | undefined {
  if (text === "1" || text === "true" || text === "d") return true;
  return text === "0" || text === "false" ? false : undefined;
}

function isParentId(text: string): boolean {
  return text === "" || ID_64.test(text);
}

function isTraceId(text: string): boolean {
  return ID_128.test(text) || ID_64.test(text);
}

/** Writes where the request stands now, in all of `forms`. */
export function writeTraceContext(headers: HeaderList, context: Omit<TraceContext, "forms">, forms: number): void {
  const { traceId, spanId, parentId } = context;
  const sampled = context.sampled === true;
  if ((forms & W3C) !== 0)
    headers.setId(TRACEPARENT, `00-${traceId.padStart(32, "0")}-${spanId}-${sampled ? "01" : "00"}`);
  if ((forms & B3_SINGLE) !== 0)
    headers.setId(B3, `${traceId}-${spanId}-${sampled ? "1" : "0"}${parentId === "" ? "" : `-${parentId}`}`);
  if ((forms & B3_MULTI) === 0) return;
  headers.setId(B3_TRACE_ID, traceId);
  headers.setId(B3_SPAN_ID, spanId);
  headers.setId(B3_SAMPLED, sampled ? "1" : "0");
  if (parentId === "") headers.removeId(B3_PARENT_ID);
  else headers.setId(B3_PARENT_ID, parentId);
}

const DIGITS = Buffer.from("0123456789abcdef");

/** Makes ids from randomness. */
export interface TraceIds {
  /** 8 bytes that are not 0, as hexadecimal digits. */
  next(): string;
}

/** Digits are put together as bytes: numbers above 2³¹ take the runtime twice as long (measured, Bun 1.4.5). */
class RandomIds implements TraceIds {
  readonly #random: () => number;
  readonly #text = Buffer.alloc(16);

  constructor(random: () => number) {
    this.#random = random;
  }

  next(): string {
    this.#word(0);
    this.#word(8);
    return this.#text.toString("latin1", 0, 16);
  }

  #word(at: number): void {
    const word = (this.#random() * 0xffffffff + 1) >>> 0 || 1;
    for (let i = 0; i < 8; i++) this.#text[at + i] = DIGITS[(word >>> (28 - 4 * i)) & 15] ?? 0;
  }
}

export function createTraceIds(random: () => number): TraceIds {
  return new RandomIds(random);
}
