import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import {
  type ProcessingRequest,
  ProcessingRequestSchema,
  ProcessingResponseSchema,
} from "@heddle/xds-api/envoy/service/ext_proc/v3/external_processor";
import { startGrpcServer } from "./grpc-server.ts";

export type ProcessingAnswer = MessageInitShape<typeof ProcessingResponseSchema>;

/** A stream as scripts see it. */
export interface ProcessorCall {
  /** Which case of the test it belongs to. */
  readonly name: string;
  /** What came, in words: parts of a body that follow each other are one. */
  readonly seen: string[];
  readonly messages: ProcessingRequest[];
  send(answer: ProcessingAnswer): void;
  end(): void;
  fail(code: number, details: string): void;
  /** Reads no further. */
  stall(): void;
}

/** What a processor does with a message. */
export type ProcessorScript = (message: ProcessingRequest, call: ProcessorCall) => void;

/** An external processor that acts by scripts. */
export interface Processor {
  readonly port: number;
  /** Streams that are open now. */
  readonly open: number;
  /** What the last stream of a case saw. */
  seen(name: string): readonly string[];
  streams(name: string): number;
  close(): void;
}

/** The answer that changes nothing. */
export function agree(message: ProcessingRequest): ProcessingAnswer {
  const which = message.request.case;
  if (which === undefined) throw new Error("a message of nothing");
  return { response: { case: which, value: {} } } as ProcessingAnswer;
}

/** `scripts` by the metadata `x-case` of the stream; without one everything is agreed to. */
export async function startProcessor(scripts: ReadonlyMap<string, ProcessorScript>): Promise<Processor> {
  let open = 0;
  const last = new Map<string, readonly string[]>();
  const counts = new Map<string, number>();
  const handle = (stream: ServerDuplexStream<Buffer, Buffer>): void => {
    const name = String(stream.metadata.get("x-case")[0] ?? "");
    const script = scripts.get(name) ?? ((message, call) => call.send(agree(message)));
    const seen: string[] = [];
    last.set(name, seen);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    open++;
    let over = false;
    const finish = (): void => {
      if (!over) open--;
      over = true;
    };
    const call: ProcessorCall = {
      name,
      seen,
      messages: [],
      send: (answer) => {
        if (!over)
          stream.write(Buffer.from(toBinary(ProcessingResponseSchema, create(ProcessingResponseSchema, answer))));
      },
      end: () => stream.end(),
      fail: (code, details) => void stream.emit("error", { code, details }),
      stall: () => stream.pause(),
    };
    stream.on("data", (bytes: Buffer) => {
      const message = fromBinary(ProcessingRequestSchema, bytes);
      call.messages.push(message);
      note(seen, message);
      script(message, call);
    });
    stream.on("end", () => stream.end());
    stream.on("close", finish);
    stream.on("cancelled", finish);
    stream.on("error", finish);
  };
  const server = await startGrpcServer({
    path: "/envoy.service.ext_proc.v3.ExternalProcessor/Process",
    requestStream: true,
    responseStream: true,
    handle,
  });
  return {
    port: server.port,
    get open() {
      return open;
    },
    seen: (name) => last.get(name) ?? [],
    streams: (name) => counts.get(name) ?? 0,
    close: server.close,
  };
}

const OWN = new Set([
  "x-request-id",
  "x-forwarded-for",
  "x-envoy-upstream-service-time",
  "date",
  "server",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "x-forwarded-proto",
]);

function note(seen: string[], message: ProcessingRequest): void {
  const { request } = message;
  switch (request.case) {
    case "requestHeaders":
    case "responseHeaders": {
      const fields = (request.value.headers?.headers ?? [])
        .filter(({ key }) => !OWN.has(key))
        .map(({ key, value, rawValue }) => `${key}=${value}${Buffer.from(rawValue).toString("latin1")}`)
        .sort();
      const more = [
        JSON.stringify(Object.entries(message.attributes["envoy.filters.http.ext_proc"] ?? {}).sort()),
        JSON.stringify(message.metadataContext?.filterMetadata ?? {}),
        message.observabilityMode ? "watch" : "",
        message.protocolConfig === undefined
          ? ""
          : `${message.protocolConfig.requestBodyMode}/${message.protocolConfig.responseBodyMode}/${message.protocolConfig.sendBodyWithoutWaitingForHeaderResponse}`,
      ];
      seen.push(`${request.case} ${fields.join(" ")} end=${request.value.endOfStream} ${more.join(" ")}`);
      return;
    }
    case "requestBody":
    case "responseBody": {
      const { body, endOfStream } = request.value;
      const before = /^(\w+) (\d+) end=false$/.exec(seen[seen.length - 1] ?? "");
      const size = body.length + (before?.[1] === request.case ? Number(before[2]) : 0);
      if (before?.[1] === request.case) seen.pop();
      seen.push(`${request.case} ${size} end=${endOfStream}`);
      return;
    }
    case "requestTrailers":
    case "responseTrailers": {
      const fields = (request.value.trailers?.headers ?? []).map(
        (h) => `${h.key}=${h.value}${Buffer.from(h.rawValue)}`,
      );
      seen.push(`${request.case} ${fields.sort().join(" ")}`);
      return;
    }
    default:
      seen.push("nothing");
  }
}
