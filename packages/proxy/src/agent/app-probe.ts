import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";

/** One probe of the application as the pod's author wrote it, ports resolved. */
export interface AppProbe {
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number;
    readonly scheme?: string;
    readonly host?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly timeoutSeconds?: number;
}

/** Path (`/app-health/<container>/readyz`) → probe. */
export type AppProbers = ReadonlyMap<string, AppProbe>;

/** Errors: an empty map and the reason. */
export function parseAppProbers(json: string): { readonly probers: AppProbers; readonly problem?: string } {
  if (json === "") return { probers: new Map() };
  try {
    return { probers: new Map(Object.entries(JSON.parse(json) as Record<string, AppProbe>)) };
  } catch {
    return { probers: new Map(), problem: "ISTIO_KUBE_APP_PROBERS is not JSON; probes of the application will fail" };
  }
}

/** The application's answer as an HTTP status: the kubelet asks the agent, the agent asks the application on the pod's own address. */
export async function runAppProbe(probe: AppProbe, podIp: string, headers: Headers): Promise<number> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.httpGet) return httpProbe(probe.httpGet, podIp, headers, timeoutMs);
  if (probe.tcpSocket) return (await tcpProbe(podIp, probe.tcpSocket.port, timeoutMs)) ? 200 : 500;
  if (probe.grpc) return grpcProbe(probe.grpc, "127.0.0.1", timeoutMs);
  return 404;
}

/** Kubelet's own headers go on to the application; what belongs to this hop does not. */
const HOP_HEADERS = new Set(["host", "connection", "content-length", "accept-encoding"]);

/** The redirection lets this source address pass, so that the probe reaches the application and not the proxy. Source: Istio. */
const PROBE_SOURCE = "127.0.0.6";

function httpProbe(
  get: NonNullable<AppProbe["httpGet"]>,
  podIp: string,
  headers: Headers,
  timeoutMs: number,
): Promise<number> {
  const sent: Record<string, string> = {};
  headers.forEach((value, name) => {
    if (!HOP_HEADERS.has(name)) sent[name] = value;
  });
  for (const { name, value } of get.httpHeaders ?? []) sent[name.toLowerCase()] = value;
  const path = get.path ?? "/";
  const secure = (get.scheme ?? "HTTP").toUpperCase() === "HTTPS";
  const options = {
    host: get.host ?? podIp,
    port: get.port,
    path: path.startsWith("/") ? path : `/${path}`,
    headers: sent,
    localAddress: PROBE_SOURCE,
    agent: false,
    rejectUnauthorized: false,
    timeout: timeoutMs,
  };
  return new Promise((resolve) => {
    const request = (secure ? httpsRequest : httpRequest)(options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 500);
    });
    const fail = () => {
      request.destroy();
      resolve(500);
    };
    request.on("timeout", fail);
    request.on("error", fail);
    request.end();
    setTimeout(fail, timeoutMs).unref();
  });
}

function tcpProbe(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, localAddress: PROBE_SOURCE });
    const end = (ok: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(ok);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

/** `grpc.health.v1.Health/Check`; 200 when SERVING. The message is two fields, so no generated code is loaded for it. */
async function grpcProbe(probe: NonNullable<AppProbe["grpc"]>, host: string, timeoutMs: number): Promise<number> {
  const { Client, credentials } = await import("@grpc/grpc-js");
  const client = new Client(`${host}:${probe.port}`, credentials.createInsecure());
  const service = Buffer.from(probe.service ?? "");
  const request = service.length ? Buffer.concat([Buffer.from([0x0a, service.length]), service]) : Buffer.alloc(0);
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      { deadline: Date.now() + timeoutMs },
      (error, answer) => {
        client.close();
        resolve(!error && answer?.[0] === 0x08 && answer[1] === 1 ? 200 : 500);
      },
    );
  });
}
