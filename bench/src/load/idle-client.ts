/** Opens connections, sends a request on each, and keeps them open. Run as: idle-client.ts PORT COUNT. Prints "ready" and waits to be ended. */
const [portText = "", countText = ""] = process.argv.slice(2);
const AT_ONCE = 50;

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    Bun.connect({
      hostname: "127.0.0.1",
      port: Number(portText),
      socket: {
        open(socket) {
          socket.write("GET / HTTP/1.1\r\nHost: app\r\n\r\n");
        },
        data() {
          resolve();
        },
        error(_socket, error) {
          reject(error);
        },
        close() {
          reject(new Error("an idle connection was closed"));
        },
      },
    }).catch(reject);
  });
}

for (let left = Number(countText); left > 0; left -= AT_ONCE)
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, open));
console.log("ready");
setInterval(() => undefined, 60_000);

export {};
