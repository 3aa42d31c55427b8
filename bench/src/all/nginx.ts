import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer, PeerHop } from "./peers.ts";

/** nginx as a reverse proxy with kept-alive connections on both sides, one process. */
export const NGINX: Peer = {
  name: "nginx",
  version: (path) => {
    const text = spawnSync(path, ["-v"], { encoding: "utf8" }).stderr ?? "";
    return /nginx\/(\S+)/.exec(text)?.[1] ?? text.trim();
  },
  configure: (home, port, { appPort, tls }) => {
    const config = join(home, "nginx.conf");
    writeFileSync(config, configuration(port, home, appPort, tls));
    return ["-c", config];
  },
};

function configuration(port: number, home: string, appPort: number, tls: PeerHop["tls"]): string {
  const secure =
    tls === undefined
      ? ""
      : `ssl_certificate ${tls.chain};
    ssl_certificate_key ${tls.key};
    ssl_client_certificate ${tls.root};
    ssl_verify_client on;
    ssl_verify_depth 3;
    ssl_protocols TLSv1.2 TLSv1.3;
`;
  return `daemon off;
master_process off;
pid ${home}/pid;
error_log ${home}/error.log;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
  keepalive_requests 100000000;
  upstream app { server 127.0.0.1:${appPort}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl"};
    ${secure}
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Id $request_id;
    }
  }
}
`;
}
