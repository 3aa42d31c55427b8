import {
  LocalReplyConfigSchema,
  type LocalReplyConfig as LocalReplyMessage,
  ResponseMapperSchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { decodeDataText } from "./data-source.ts";
import { decodeAdditions, type HeaderAddition } from "./header-mutation.ts";
import { decodeLogFilter, type LogFilter } from "./log-filter.ts";
import { decodeFormatString, type LogLine } from "./log-line.ts";
import type { SubstitutionFormatString } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** The form of a body. */
export interface ReplyFormat {
  readonly line: LogLine;
  readonly contentType: string;
}

/** A change to the answers that a filter chooses. */
export interface ReplyMapper {
  readonly filter: LogFilter;
  readonly status: number | undefined;
  readonly body: string | undefined;
  readonly format: ReplyFormat | undefined;
  readonly headers: readonly HeaderAddition[];
}

/** What answers of the proxy itself look like. */
export interface LocalReplyConfig {
  /** The first that matches changes the answer. */
  readonly mappers: readonly ReplyMapper[];
  /** For answers whose mapper says nothing of it; undefined: the text as it is. */
  readonly format: ReplyFormat | undefined;
}

export const LOCAL_REPLY_SHAPE = shape(LocalReplyConfigSchema, ["mappers", "body_format"]);
export const RESPONSE_MAPPER_SHAPE = shape(ResponseMapperSchema, [
  "filter",
  "status_code",
  "body",
  "body_format_override",
  "headers_to_add",
]);

/** Undefined when nothing is configured, so that answers test one field. */
export function decodeLocalReply(
  message: LocalReplyMessage | undefined,
  scope: DecodeScope,
): LocalReplyConfig | undefined {
  if (message === undefined) return undefined;
  checkShape(LOCAL_REPLY_SHAPE, message, scope);
  const mappers: ReplyMapper[] = [];
  message.mappers.forEach((mapper, i) => {
    const at = scope.field("mappers").item(i);
    checkShape(RESPONSE_MAPPER_SHAPE, mapper, at);
    if (mapper.filter === undefined) at.field("filter").problem("a mapper needs a filter");
    const { statusCode: status } = mapper;
    if (status !== undefined && (status < 200 || status > 599))
      at.field("status_code").problem(`${status} is not a final status (200 to 599)`);
    const filter = mapper.filter === undefined ? undefined : decodeLogFilter(mapper.filter, at.field("filter"));
    if (filter === undefined) return;
    mappers.push({
      filter,
      status,
      body: mapper.body === undefined ? undefined : decodeDataText(mapper.body, at.field("body")),
      format: decodeFormat(mapper.bodyFormatOverride, at.field("body_format_override")),
      headers: decodeAdditions(mapper.headersToAdd, at.field("headers_to_add")),
    });
  });
  return { mappers, format: decodeFormat(message.bodyFormat, scope.field("body_format")) };
}

function decodeFormat(message: SubstitutionFormatString | undefined, scope: DecodeScope): ReplyFormat | undefined {
  if (message === undefined) return undefined;
  const line = decodeFormatString(message, scope);
  return { line, contentType: message.contentType || (line.kind === "json" ? "application/json" : "text/plain") };
}
