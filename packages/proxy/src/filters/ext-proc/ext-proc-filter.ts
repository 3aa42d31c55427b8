import type { ExtProcConfig, ExtProcRouteConfig } from "../../config/filters/ext-proc.ts";
import type { DirectionMode } from "../../config/filters/processing-mode.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "../http-filter.ts";
import { ProcessedStream } from "./processed-stream.ts";
import { Processor } from "./processor.ts";

/** Lets a service see and change requests and answers. Source: Envoy `envoy.filters.http.ext_proc`. */
class ExtProcFilter implements HttpFilter {
  readonly #config: ExtProcConfig;
  readonly #around: FilterSurroundings;

  constructor(config: ExtProcConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    return this.#insert(call)?.begin() ?? true;
  }

  onSkipped(call: FilterCall): void {
    this.#insert(call)?.beginAnswered();
  }

  /** Undefined: it could not be put there. */
  #insert(call: FilterCall): ProcessedStream | undefined {
    const processor = new Processor(this.#config, call, this.#around);
    let stream: ProcessedStream | undefined;
    call.replaceClient((client) => {
      stream = new ProcessedStream(client, call, processor, this.#config);
      return stream;
    });
    call.onEnd(() => {
      processor.stop();
      stream?.leave();
    });
    return stream;
  }
}

const sees = ({ headers, body, trailers }: DirectionMode): boolean => headers || body !== "none" || trailers;

/** `levels` from the least to the most specific. Undefined: nothing is processed. */
export function createExtProcFilter(
  own: ExtProcConfig,
  levels: readonly ExtProcRouteConfig[],
  around: FilterSurroundings,
): HttpFilter | undefined {
  if (levels[levels.length - 1]?.disabled === true) return undefined;
  let config = own;
  for (const level of levels) config = merged(config, level);
  const { request, response } = config.processing;
  return sees(request) || sees(response) ? new ExtProcFilter(config, around) : undefined;
}

function merged(before: ExtProcConfig, level: ExtProcRouteConfig): ExtProcConfig {
  const service = level.service ?? before.service;
  const names = new Set(level.grpcMetadata.map(([name]) => name));
  return {
    ...before,
    service: {
      ...service,
      metadata: [...service.metadata.filter(([name]) => !names.has(name)), ...level.grpcMetadata],
    },
    processing: level.processing ?? before.processing,
    metadata: {
      forwarded: level.metadata.forwarded ?? before.metadata.forwarded,
      received: level.metadata.received ?? before.metadata.received,
    },
    failOpen: level.failOpen ?? before.failOpen,
  };
}
