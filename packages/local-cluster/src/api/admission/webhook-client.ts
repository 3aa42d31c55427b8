import https from "node:https";
import { findEndpoint } from "../http/proxy.ts";
import { at, type Dict, dict, int, isDict, list, text } from "../json/json-value.ts";
import type { Store } from "../store/store.ts";

/** Posts to a webhook's `clientConfig`. Errors: sentences as Go's client gives them. */
export interface WebhookClient {
  post(client: Dict, body: string, timeoutMs: number): Promise<string>;
}

const LIMIT_BYTES = 3 * 1024 * 1024;

interface Place {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly path: string;
  /** As messages show it. */
  readonly url: string;
}

/** Go's words for what OpenSSL and the system say. */
function reasonOf(error: unknown, place: Place): string {
  const code = isDict(error) ? text(error["code"]) : "";
  const message = error instanceof Error ? error.message : String(error);
  const dial = `dial tcp ${place.host}:${place.port}: `;
  if (message.includes("aborted") || code === "ABORT_ERR") return "context deadline exceeded";
  if (code === "ECONNREFUSED") return `${dial}connect: connection refused`;
  if (code === "EHOSTUNREACH") return `${dial}connect: no route to host`;
  if (code === "ENOTFOUND") return `dial tcp: lookup ${place.host}: no such host`;
  if (code === "ECONNRESET") return "EOF";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = /altnames: (DNS:.*)$/.exec(message)?.[1]?.replaceAll("DNS:", "");
    return `tls: failed to verify certificate: x509: certificate is valid for ${names ?? "other names"}, not ${place.serverName}`;
  }
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET)/.test(code)) {
    return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  }
  if (code === "CERT_HAS_EXPIRED")
    return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
  return message;
}

export function createWebhookClient(store: Store): WebhookClient {
  let turn = 0;

  function placeOf(client: Dict, query: string): Place | string {
    if (!isDict(client["service"])) {
      const url = new URL(text(client["url"]));
      const port = url.port === "" ? 443 : Number(url.port);
      return {
        host: url.hostname,
        port,
        serverName: url.hostname,
        path: `${url.pathname}${query}`,
        url: `${url.href}${query}`,
      };
    }
    const { namespace, name, path, port } = client["service"];
    const serverName = `${text(name)}.${text(namespace)}.svc`;
    const target = text(path, "/");
    const number = int(port, 443);
    const shown = `https://${serverName}:${number}${target}${query}`;
    const service = store.collection("/services").get(text(namespace), text(name));
    if (!service) return `Post ${JSON.stringify(shown)}: service ${JSON.stringify(text(name))} not found`;
    if (at(service, "spec", "type") === "ExternalName") {
      const host = text(at(service, "spec", "externalName"));
      return { host, port: number, serverName, path: `${target}${query}`, url: shown };
    }
    const chosen = list(at(service, "spec", "ports"))
      .map(dict)
      .find((item) => item["port"] === number);
    if (!chosen)
      return `Post ${JSON.stringify(shown)}: no service port ${number} found for service ${JSON.stringify(text(name))}`;
    const endpoint = findEndpoint(store, text(namespace), text(name), text(chosen["name"]), turn++);
    if (!endpoint)
      return `Post ${JSON.stringify(shown)}: no endpoints available for service ${JSON.stringify(text(name))}`;
    return { ...endpoint, serverName, path: `${target}${query}`, url: shown };
  }

  return {
    post(client, body, timeoutMs) {
      const place = placeOf(client, `?timeout=${timeoutMs / 1000}s`);
      if (typeof place === "string") return Promise.reject(new Error(place));
      const bundle = text(client["caBundle"]);
      const ca = bundle === "" ? undefined : Buffer.from(bundle, "base64").toString();
      return new Promise((resolve, reject) => {
        const fail = (error: unknown) =>
          reject(new Error(`Post ${JSON.stringify(place.url)}: ${reasonOf(error, place)}`));
        const request = https.request(
          {
            host: place.host,
            port: place.port,
            servername: place.serverName,
            path: place.path,
            method: "POST",
            agent: false,
            signal: AbortSignal.timeout(timeoutMs),
            headers: {
              host: `${place.serverName}:${place.port}`,
              "content-type": "application/json",
              "content-length": Buffer.byteLength(body),
              accept: "application/json",
              "user-agent": "kube-apiserver-admission",
            },
            ...(ca === undefined ? {} : { ca }),
          },
          (answer) => {
            const chunks: Buffer[] = [];
            let size = 0;
            answer.on("data", (chunk: Buffer) => {
              size += chunk.length;
              if (size > LIMIT_BYTES) request.destroy(new Error("response is larger than 3 MiB"));
              else chunks.push(chunk);
            });
            answer.on("error", fail);
            answer.on("end", () => {
              const source = Buffer.concat(chunks).toString();
              const code = answer.statusCode ?? 0;
              if (code >= 200 && code < 300) resolve(source);
              else
                reject(
                  new Error(
                    code === 404
                      ? "the server could not find the requested resource"
                      : `an error on the server (${JSON.stringify(source.slice(0, 200))}) has prevented the request from succeeding`,
                  ),
                );
            });
          },
        );
        request.on("error", fail);
        request.end(body);
      });
    },
  };
}
