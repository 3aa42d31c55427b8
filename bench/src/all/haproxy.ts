import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer, PeerHop } from "./peers.ts";

/** haproxy as a reverse proxy with kept-alive connections on both sides, one thread. */
export const HAPROXY: Peer = {
  name: "haproxy",
  version: (path) =>
    /version (\d[\w.]*)/.exec(spawnSync(path, ["-v"], { encoding: "utf8" }).stdout ?? "")?.[1] ?? "of unknown version",
  configure: (home, port, { appPort, tls }) => {
    const config = join(home, "haproxy.cfg");
    writeFileSync(config, configuration(port, home, appPort, tls));
    return ["-db", "-f", config];
  },
};

function configuration(port: number, home: string, appPort: number, tls: PeerHop["tls"]): string {
  let secure = "";
  if (tls !== undefined) {
    const pair = join(home, "pair.pem");
    writeFileSync(pair, readFileSync(tls.chain, "utf8") + readFileSync(tls.key, "utf8"), { mode: 0o600 });
    secure = ` ssl crt ${pair} ca-file ${tls.root} verify required alpn http/1.1 ssl-min-ver TLSv1.2`;
  }
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  http-reuse always
  timeout connect 10s
  timeout client 300s
  timeout server 300s
frontend in
  bind 127.0.0.1:${port}${secure}
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  http-request set-header X-Forwarded-Proto ${tls === undefined ? "http" : "https"}
  default_backend app
backend app
  server app 127.0.0.1:${appPort} pool-max-conn 128
`;
}
