import { requestUrl } from "@heddle/std/request-url";

/** A request to the admin port that was answered. */
export interface AdminRequest {
  readonly request: Pick<Request, "method" | "url" | "headers">;
  readonly response: Pick<Response, "status" | "headers">;
  /** Units: ms since 1970. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Envoy's default line of an access log; what only proxied requests have is `-`. The answer's length is known after it has gone, so it is `-` too. */
export function adminLogLine({ request, response, startMs, endMs }: AdminRequest): string {
  const header = (name: string) => request.headers.get(name) ?? "-";
  const { pathname, search } = requestUrl(request.url);
  const took = Math.max(0, Math.trunc(endMs - startMs));
  return `[${new Date(startMs).toISOString()}] "${request.method} ${pathname}${search} HTTP/1.1" ${response.status} - ${request.headers.get("content-length") ?? 0} - ${took} - "${header("x-forwarded-for")}" "${header("user-agent")}" "${header("x-request-id")}" "${header("host")}" "-"\n`;
}
