import { type AnyTable, decodeAny, messageEntry } from "../config/any-field.ts";
import { type AccessLog, FileAccessLogSchema } from "../config/proto.ts";
import type { DecodeScope } from "../config/scope.ts";

/** Files, with Envoy's default line. */
const LOGGERS: AnyTable<string> = {
  [FileAccessLogSchema.typeName]: messageEntry(FileAccessLogSchema, ({ path, accessLogFormat }, scope) => {
    if (path === "") scope.field("path").problem("a file access log needs a path");
    if (accessLogFormat.case !== undefined && path !== "/dev/null")
      scope.problem("refused: requests to the admin port are logged in Envoy's default form; leave the format out");
    return path;
  }),
};

/** Files to which requests to the admin port are logged. Errors: other loggers, forms and filters. */
export function decodeAdminLogs(
  messages: readonly AccessLog[],
  oldPath: string,
  scope: DecodeScope,
): readonly string[] {
  const paths = oldPath === "" ? [] : [oldPath];
  messages.forEach((message, i) => {
    const at = scope.item(i);
    if (message.filter !== undefined) at.field("filter").problem("refused: every request to the admin port is logged");
    const path = decodeAny(message.configType.value, LOGGERS, at.field("typed_config"));
    if (path !== undefined) paths.push(path);
  });
  return paths.filter((path) => path !== "/dev/null");
}
