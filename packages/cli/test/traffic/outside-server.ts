/** A server outside of the mesh: HTTP on 8080 and 8081, HTTPS on 8443, TCP on 9000 and 9001. Says which of its ports was reached. */
const { TLS_CERT: cert = "", TLS_KEY: key = "" } = process.env;

function http(port: number, tls?: { readonly cert: string; readonly key: string }): void {
  Bun.serve({
    port,
    ...(tls === undefined ? {} : { tls }),
    fetch: (request) =>
      Response.json({ pod: "outside", version: `port-${port}`, headers: Object.fromEntries(request.headers) }),
  });
}

for (const port of [8080, 8081]) http(port);
http(8443, { cert, key });
for (const port of [9000, 9001]) {
  Bun.listen({
    hostname: "0.0.0.0",
    port,
    socket: {
      data(socket) {
        socket.end(`outside ${port}\n`);
      },
    },
  });
}
