import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadTarget } from "../compare/load.ts";
import { freePort, startChild, waitForPort } from "../measure/child.ts";

export const NO_NGINX = "no nginx here: its figures are left out; apt-get install nginx";

/** nginx with its version; undefined where there is none. */
export function findNginx(): { readonly path: string; readonly version: string } | undefined {
  const path = Bun.which("nginx", { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` });
  if (path === null) return undefined;
  const text = spawnSync(path, ["-v"], { encoding: "utf8" }).stderr ?? "";
  return { path, version: /nginx\/(\S+)/.exec(text)?.[1] ?? text.trim() };
}

/** nginx as a reverse proxy with kept-alive connections on both sides, one process. */
export async function startNginx(
  path: string,
  folder: string,
  appPort: number,
  cpus: string | undefined,
): Promise<LoadTarget> {
  const port = freePort();
  const home = join(folder, "nginx");
  mkdirSync(home, { recursive: true });
  const config = join(home, "nginx.conf");
  writeFileSync(
    config,
    `daemon off;
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
    listen 127.0.0.1:${port};
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
`,
  );
  const proxy = startChild({ argv: [path, "-c", config], cpus });
  try {
    await waitForPort(port, proxy);
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  return { name: "nginx", port, proxies: [proxy] };
}
