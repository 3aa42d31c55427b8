import { type Fields, fieldsOf, listOf, number, numberOr, optionalFields, text, textOr, texts } from "./decode.ts";

/** A port as manifests write it: a number or the name of a container port. */
export type PortReference = number | string;

export type Action =
  | { readonly kind: "exec"; readonly command: readonly string[] }
  | {
      readonly kind: "httpGet";
      readonly scheme: "HTTP" | "HTTPS";
      readonly host: string | undefined;
      readonly port: PortReference;
      readonly path: string;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly kind: "tcpSocket"; readonly host: string | undefined; readonly port: PortReference }
  | { readonly kind: "grpc"; readonly port: PortReference; readonly service: string }
  | { readonly kind: "sleep"; readonly seconds: number };

export interface ProbeSpec {
  readonly action: Action;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  readonly terminationGracePeriodSeconds: number | undefined;
}

const portOf = (value: unknown): PortReference => (typeof value === "string" ? value : numberOr(value, 0));

/** Reads a probe's or a lifecycle hook's handler; undefined when it names none. */
export function decodeAction(handler: Fields): Action | undefined {
  const exec = optionalFields(handler["exec"]);
  if (exec) return { kind: "exec", command: texts(exec["command"]) };
  const http = optionalFields(handler["httpGet"]);
  if (http) {
    const headers = listOf(http["httpHeaders"]).map((entry) => {
      const header = fieldsOf(entry);
      return [textOr(header["name"], ""), textOr(header["value"], "")] as const;
    });
    return {
      kind: "httpGet",
      scheme: textOr(http["scheme"], "HTTP").toUpperCase() === "HTTPS" ? "HTTPS" : "HTTP",
      host: text(http["host"]),
      port: portOf(http["port"]),
      path: textOr(http["path"], "/") || "/",
      headers,
    };
  }
  const tcp = optionalFields(handler["tcpSocket"]);
  if (tcp) return { kind: "tcpSocket", host: text(tcp["host"]), port: portOf(tcp["port"]) };
  const grpc = optionalFields(handler["grpc"]);
  if (grpc) return { kind: "grpc", port: portOf(grpc["port"]), service: textOr(grpc["service"], "") };
  const sleep = optionalFields(handler["sleep"]);
  if (sleep) return { kind: "sleep", seconds: numberOr(sleep["seconds"], 0) };
  return undefined;
}

export function decodeProbe(value: unknown): ProbeSpec | undefined {
  const probe = optionalFields(value);
  const action = probe && decodeAction(probe);
  if (!probe || !action) return undefined;
  return {
    action,
    initialDelaySeconds: numberOr(probe["initialDelaySeconds"], 0),
    periodSeconds: Math.max(1, numberOr(probe["periodSeconds"], 10)),
    timeoutSeconds: Math.max(1, numberOr(probe["timeoutSeconds"], 1)),
    successThreshold: Math.max(1, numberOr(probe["successThreshold"], 1)),
    failureThreshold: Math.max(1, numberOr(probe["failureThreshold"], 3)),
    terminationGracePeriodSeconds: number(probe["terminationGracePeriodSeconds"]),
  };
}
