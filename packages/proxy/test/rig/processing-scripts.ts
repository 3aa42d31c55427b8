import type { Json } from "./bootstrap.ts";
import type { ProcessingFilter } from "./processing-config.ts";
import { agree, type ProcessingAnswer, type ProcessorCall, type ProcessorScript } from "./processor.ts";

/** One way to be processed, and the request that shows it. */
export interface ProcessingCase extends ProcessingFilter {
  readonly script?: ProcessorScript;
  readonly method?: string;
  readonly path?: string;
  readonly body?: number;
  readonly sized?: boolean;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Step =
  | "requestHeaders"
  | "responseHeaders"
  | "requestBody"
  | "responseBody"
  | "requestTrailers"
  | "responseTrailers";
export type Common = NonNullable<
  Extract<NonNullable<ProcessingAnswer["response"]>, { case: "requestHeaders" }>["value"]["response"]
>;

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const mode = (fields: Json): Json => ({ processing_mode: fields });
export const set = (key: string, value: string, more: Json = {}) => ({
  header: { key, rawValue: bytes(value) },
  ...more,
});
export const common = (step: Step, response: Common): ProcessingAnswer =>
  ({ response: { case: step, value: { response } } }) as ProcessingAnswer;

/** Answers one step its own way, agrees to the others. */
export const at =
  (step: Step, answer: (call: ProcessorCall) => void): ProcessorScript =>
  (message, call) => {
    if (message.request.case === step) answer(call);
    else call.send(agree(message));
  };
export const change = (step: Step, response: Common): ProcessorScript =>
  at(step, (call) => call.send(common(step, response)));
export const immediate = (step: Step, more: Json = {}): ProcessorScript =>
  at(step, (call) =>
    call.send({
      response: {
        case: "immediateResponse",
        value: {
          status: { code: 403 },
          body: bytes("no entry"),
          details: "my own words",
          headers: { setHeaders: [set("x-why", "told")], removeHeaders: ["x-route"] },
          ...more,
        },
      },
    } as ProcessingAnswer),
  );
export const mutate = (
  step: Step,
  headers: readonly ReturnType<typeof set>[],
  removed: readonly string[] = [],
): ProcessorScript =>
  change(step, { headerMutation: { setHeaders: [...headers], removeHeaders: [...removed] } } as Common);

/** Each part of a body in capitals, and one message for each; what the duplex mode needs is sent in its own form. */
export const louder =
  (duplex: boolean): ProcessorScript =>
  (message, call) => {
    const { request } = message;
    if (request.case !== "requestBody" && request.case !== "responseBody") return call.send(agree(message));
    const body = bytes(Buffer.from(request.value.body).toString("latin1").toUpperCase());
    const mutation = duplex
      ? { case: "streamedResponse", value: { body, endOfStream: request.value.endOfStream } }
      : { case: "body", value: body };
    call.send(common(request.case, { bodyMutation: { mutation } } as Common));
  };

export const SKIP = { request_header_mode: "SKIP", response_header_mode: "SKIP" };
export const TRAILERS = { request_trailer_mode: "SEND", response_trailer_mode: "SEND" };
export const POST = { method: "POST", body: 3000, trailers: { "x-sum": "s1" } } as const;
export const bodies = (kind: string, more: Json = {}): Json =>
  mode({ request_body_mode: kind, response_body_mode: kind, ...more });
export const DUPLEX = bodies("FULL_DUPLEX_STREAMED", TRAILERS);
export const STEPS: readonly Step[] = [
  "requestHeaders",
  "requestBody",
  "requestTrailers",
  "responseHeaders",
  "responseBody",
  "responseTrailers",
];
export const ALL = bodies("BUFFERED", TRAILERS);
export const ALL_STREAMED = bodies("STREAMED", TRAILERS);
export const GRPC = { "content-type": "application/grpc", te: "trailers" };
export const failing = (step: Step): ProcessorScript => at(step, (call) => call.fail(13, "out of order"));
