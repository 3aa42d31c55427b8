// Hot path: for each request whose virtual host has more than a catch-all route.
import { HEADER_ID, type HeaderList, type RequestHead } from "@heddle/wire";
import type { HeaderMatch } from "../config/header-match.ts";
import type { AroundRequest, PathMatch, QueryMatch, RouteMatchConfig } from "../config/route-match.ts";
import { matchesString } from "../config/string-match.ts";
import { type MetadataMap, matchesMetadata } from "../config/value-match.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { answerValues, pseudoHeader, separateValues } from "./header-values.ts";

/** What else than the request routes may look at. */
export interface MatchedRecord {
  readonly connection: Pick<ConnectionInfo, "tls">;
  /** What filters left; undefined: nothing. */
  readonly metadata: MetadataMap | undefined;
}

/** Whether a request satisfies all conditions of a route. Source: Envoy `RouteMatch`. */
export function matchesRoute(
  match: RouteMatchConfig,
  request: RequestHead,
  ignorePathParameters: boolean,
  random: () => number,
  runtime: Runtime,
  record?: MatchedRecord,
): boolean {
  if (!matchesPath(match.path, match.caseSensitive, request, ignorePathParameters)) return false;
  for (let i = 0; i < match.headers.length; i++) {
    const header = match.headers[i];
    if (header !== undefined && !matchesHeader(header, request)) return false;
  }
  if (match.query.length > 0 && !matchesQuery(match.query, request.path)) return false;
  if (match.grpc && request.headers.getId(HEADER_ID["content-type"])?.startsWith("application/grpc") !== true)
    return false;
  if (match.around !== undefined && !matchesAround(match.around, record)) return false;
  return match.fraction === undefined || random() < runtime.share(match.fraction);
}

/** Source: Envoy `RouteEntryImplBase::matchRoute`. */
function matchesAround({ presented, validated, metadata }: AroundRequest, record: MatchedRecord | undefined): boolean {
  const tls = record?.connection.tls;
  if (presented !== undefined && presented !== (tls?.peer !== undefined)) return false;
  if (validated !== undefined && validated !== (tls?.verified === true)) return false;
  for (const match of metadata) if (!matchesMetadata(match, record?.metadata)) return false;
  return true;
}

/** The path without query, and without `;parameters` when asked. */
export function pathOnly(path: string, ignoreParameters: boolean): string {
  const query = path.indexOf("?");
  const bare = query < 0 ? path : path.slice(0, query);
  if (!ignoreParameters) return bare;
  const semicolon = bare.indexOf(";");
  return semicolon < 0 ? bare : bare.slice(0, semicolon);
}

function matchesPath(
  match: PathMatch,
  caseSensitive: boolean,
  request: RequestHead,
  ignoreParameters: boolean,
): boolean {
  if (match.kind === "connect") return request.method === "CONNECT";
  if (request.path === "") return false;
  const bare = pathOnly(request.path, ignoreParameters);
  if (match.kind === "regex") return match.regex.test(bare);
  if (match.kind === "template") return match.template.test(bare);
  const path = caseSensitive ? bare : bare.toLowerCase();
  switch (match.kind) {
    case "prefix":
      return path.startsWith(match.text);
    case "exact":
      return path === match.text;
    case "separated-prefix":
      return path.startsWith(match.text) && (path.length === match.text.length || path[match.text.length] === "/");
  }
}

/** One header condition, pseudo-headers included. */
export function matchesHeader(match: HeaderMatch, request: RequestHead): boolean {
  const value = headerValue(match, request);
  if (match.test.kind === "present") return (value !== undefined) === (match.test.present !== match.invert);
  // A missing header matches nothing, inverted or not, unless it counts as empty.
  if (value === undefined && !match.missingIsEmpty) return false;
  if (value?.includes(", ") === true && match.name !== "host" && match.name[0] !== ":")
    return testSeparately(match, request) !== match.invert;
  return testValue(match, value ?? "") !== match.invert;
}

/** Whether one of the values of a header that may have come more than once is as wanted. */
function testSeparately(match: HeaderMatch, request: RequestHead): boolean {
  return separateValues(request.headers, match.name).some((value) => testValue(match, value));
}

/** One condition on the headers of an answer. */
export function matchesAnswerHeader(match: HeaderMatch, headers: HeaderList): boolean {
  const values = answerValues(headers, match.name);
  if (match.test.kind === "present") return values.length > 0 === (match.test.present !== match.invert);
  if (values.length === 0) return match.missingIsEmpty && testValue(match, "") !== match.invert;
  return values.some((value) => testValue(match, value)) !== match.invert;
}

function testValue(match: HeaderMatch, value: string): boolean {
  const test = match.test;
  if (test.kind === "string") return matchesString(test.match, value);
  if (test.kind !== "range" || !/^-?\d{1,19}$/.test(value)) return false;
  const number = BigInt(value);
  return number >= test.start && number < test.end;
}

function headerValue({ id, name }: HeaderMatch, request: RequestHead): string | undefined {
  // A known id is that of a header; only Host stands elsewhere.
  const pseudo = id === 0 || id === HEADER_ID.host ? pseudoHeader(name, request) : undefined;
  return pseudo ?? request.headers.getAll(name);
}

/** Whether a path has all query parameters as wanted. */
export function matchesQuery(conditions: readonly QueryMatch[], path: string): boolean {
  for (const condition of conditions) {
    const value = queryValue(path, condition.name);
    if (condition.match === undefined) {
      if ((value !== undefined) !== condition.present) return false;
    } else if (value === undefined || !matchesString(condition.match, value)) {
      return false;
    }
  }
  return true;
}

/** The first value of a query parameter, as it stands in the path. Source: Envoy does not decode it for routing either. */
export function queryValue(path: string, name: string): string | undefined {
  const mark = path.indexOf("?");
  if (mark < 0) return undefined;
  const hash = path.indexOf("#", mark);
  for (const pair of path.slice(mark + 1, hash < 0 ? undefined : hash).split("&")) {
    const equals = pair.indexOf("=");
    if ((equals < 0 ? pair : pair.slice(0, equals)) === name) return equals < 0 ? "" : pair.slice(equals + 1);
  }
  return undefined;
}
