/** The application of the traffic tests: says who it is and what it got. Runs in pods; ports 8080 HTTP, 9000 TCP. */
const pod = process.env["POD_NAME"] ?? "?";
const version = process.env["VERSION"] ?? "?";
/** Requests by the value of their header `x-count`. */
const counts = new Map<string, number>();

Bun.serve({
  port: 8080,
  idleTimeout: 60,
  async fetch(request) {
    const url = new URL(request.url);
    const headers = Object.fromEntries(request.headers);
    const key = headers["x-count"];
    const seen = key === undefined ? 0 : (counts.get(key) ?? 0) + 1;
    if (key !== undefined) counts.set(key, seen);
    const answer = (status: number) =>
      Response.json({ pod, version, path: url.pathname + url.search, method: request.method, headers }, { status });
    switch (url.pathname) {
      case "/counts":
        return Response.json(Object.fromEntries(counts));
      case "/slow":
        await Bun.sleep(Number(url.searchParams.get("ms") ?? 1000));
        return answer(200);
      case "/flaky":
        return answer(seen <= Number(url.searchParams.get("failures") ?? 1) ? 503 : 200);
      case "/sick":
        return answer(version === url.searchParams.get("version") ? 500 : 200);
      default:
        return answer(Number(/^\/status\/(\d{3})$/.exec(url.pathname)?.[1] ?? 200));
    }
  },
});

Bun.listen({
  hostname: "0.0.0.0",
  port: 9000,
  socket: {
    data(socket) {
      socket.end(`${version}\n`);
    },
  },
});
