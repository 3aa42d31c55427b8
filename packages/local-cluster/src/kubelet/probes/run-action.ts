import { connect } from "node:http2";
import type { ContainerSpec } from "../spec/container-spec.ts";
import type { Action, PortReference } from "../spec/probe-spec.ts";
import type { ProbeResult } from "./probe-state.ts";

/** What a probe or hook acts on. */
export interface ActionTarget {
  readonly container: ContainerSpec;
  readonly podIp: string;
  /** Runs a command in the container; `timedOut` when it was ended. */
  exec(
    command: readonly string[],
    timeoutMs: number,
  ): Promise<{ readonly exitCode: number; readonly output: string; readonly timedOut: boolean }>;
}

const MAX_BODY = 10 * 1024;

/** Runs a probe or a hook once. Never rejects: what goes wrong is the result. */
export async function runAction(action: Action, target: ActionTarget, timeoutMs: number): Promise<ProbeResult> {
  try {
    switch (action.kind) {
      case "exec":
        return execResult(await target.exec(action.command, timeoutMs), timeoutMs);
      case "httpGet":
        return await httpGet(action, target, timeoutMs);
      case "tcpSocket":
        return await tcpConnect(action.host ?? target.podIp, portNumber(action.port, target.container), timeoutMs);
      case "grpc":
        return await grpcHealth(target.podIp, portNumber(action.port, target.container), action.service, timeoutMs);
      case "sleep":
        await Bun.sleep(action.seconds * 1000);
        return { ok: true, message: "" };
    }
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

function portNumber(port: PortReference, container: ContainerSpec): number {
  if (typeof port === "number") return port;
  const named = container.ports.find((entry) => entry.name === port);
  const value = named ? named.containerPort : Number(port);
  if (!Number.isInteger(value))
    throw new Error(`couldn't find port "${port}" in container ${container.name}; name it in its ports`);
  return value;
}

function execResult(result: Awaited<ReturnType<ActionTarget["exec"]>>, timeoutMs: number): ProbeResult {
  if (result.timedOut) return { ok: false, message: `command timed out after ${timeoutMs / 1000}s` };
  return { ok: result.exitCode === 0, message: result.output };
}

async function httpGet(
  action: Action & { kind: "httpGet" },
  target: ActionTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  const host = action.host ?? target.podIp;
  const port = portNumber(action.port, target.container);
  const path = action.path.startsWith("/") ? action.path : `/${action.path}`;
  const url = `${action.scheme.toLowerCase()}://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;
  const headers = new Headers([
    ["user-agent", "kube-probe/1.34"],
    ["accept", "*/*"],
    ["connection", "close"],
  ]);
  for (const [name, value] of action.headers) headers.set(name, value);
  const started = performance.now();
  try {
    const response = await fetch(url, {
      headers,
      redirect: "manual",
      keepalive: false,
      signal: AbortSignal.timeout(timeoutMs),
      // Source: kubelet: probes skip the verification of certificates.
      tls: { rejectUnauthorized: false },
    });
    const ok = response.status >= 200 && response.status < 400;
    const body = ok ? "" : (await response.text()).slice(0, MAX_BODY);
    return {
      ok,
      message: ok
        ? ""
        : `HTTP probe failed with statuscode: ${response.status}${body ? ` ${body.trim().slice(0, 200)}` : ""}`,
    };
  } catch (error) {
    const timedOut = performance.now() - started >= timeoutMs;
    const reason = timedOut
      ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
      : `dial tcp ${host}:${port}: ${connectReason(error)}`;
    return { ok: false, message: `Get "${url}": ${reason}` };
  }
}

const connectReason = (error: unknown): string => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ConnectionRefused" || code === "ECONNREFUSED") return "connect: connection refused";
  if (code === "ECONNRESET" || code === "ConnectionClosed") return "EOF";
  return error instanceof Error ? error.message : String(error);
};

function tcpConnect(hostname: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const timer = setTimeout(
      () => resolve({ ok: false, message: `dial tcp ${hostname}:${port}: i/o timeout` }),
      timeoutMs,
    );
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const failed = (error: unknown): void =>
      finish({ ok: false, message: `dial tcp ${hostname}:${port}: ${connectReason(error)}` });
    Bun.connect({
      hostname,
      port,
      socket: {
        open(socket) {
          socket.end();
          finish({ ok: true, message: "" });
        },
        data() {},
        connectError: (_socket, error) => failed(error),
        error: (_socket, error) => failed(error),
      },
    }).catch(failed);
  });
}

/** Protobuf's length prefix. */
function lengthVarint(bytes: Uint8Array): readonly number[] {
  const groups: number[] = [];
  for (let rest = bytes.length; rest > 0 || groups.length === 0; rest >>>= 7) groups.push((rest & 0x7f) | 0x80);
  return groups.map((group, index) => (index === groups.length - 1 ? group & 0x7f : group));
}

/** `grpc.health.v1.Health/Check`. Source: grpc/health/v1/health.proto: request field 1 `service`, response field 1 `status`, 1 = SERVING. */
function grpcHealth(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const session = connect(`http://${host}:${port}`);
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(result);
    };
    const timer = setTimeout(
      () =>
        finish({
          ok: false,
          message: `timeout: failed to connect service "${host}:${port}" within ${timeoutMs / 1000}s`,
        }),
      timeoutMs,
    );
    session.on("error", (error) =>
      finish({ ok: false, message: `failed to connect service "${host}:${port}": ${connectReason(error)}` }),
    );
    const name = Buffer.from(service);
    const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...lengthVarint(name)]), name]);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let status = "";
    const noteStatus = (headers: Record<string, unknown>): void => {
      if (headers["grpc-status"] !== undefined) status = String(headers["grpc-status"]);
    };
    stream.on("response", noteStatus);
    stream.on("trailers", noteStatus);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", (error) => finish({ ok: false, message: `rpc error: ${error.message}` }));
    stream.on("end", () => {
      const body = Buffer.concat(chunks).subarray(5);
      const serving = body[0] === 0x08 && body[1] === 1;
      if (status === "12")
        finish({
          ok: false,
          message: `this server does not implement the grpc health protocol (grpc.health.v1.Health)`,
        });
      else if (status !== "" && status !== "0")
        finish({ ok: false, message: `service unhealthy (grpc-status ${status})` });
      else
        finish({
          ok: serving,
          message: serving ? "" : `service unhealthy (responded with "${body[1] === 2 ? "NOT_SERVING" : "UNKNOWN"}")`,
        });
    });
    stream.end(Buffer.concat([head, message]));
  });
}
