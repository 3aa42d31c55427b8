/**
 * A closed-loop gRPC client: each stream sends its next unary call when the answer is complete, until a fixed number is done.
 * Run as its own process: grpc-client.ts PORT STREAMS REQUESTS HOST. Prints one JSON line.
 */
import {
  type ClientConnection,
  type ClientHost,
  createHttp2Client,
  createRequestHead,
  type HeaderList,
  type HttpStream,
  headerEntries,
  headerListOf,
  type ResponseHead,
  type StreamHandler,
  type WireFailure,
} from "@heddle/wire";
import { createLatencies } from "./latencies.ts";
import { type Writer, writeAll } from "./write-all.ts";

const [portText = "", streamsText = "", requestsText = "", authority = "app"] = process.argv.slice(2);
const streams = Number(streamsText);
const requests = Number(requestsText);

const PAYLOAD = Buffer.concat([Buffer.from([0, 0, 0, 0, 32]), Buffer.alloc(32, 97)]);
const latencies = createLatencies(requests);
let started = 0;
let finished = 0;
let errors = 0;
let beganMs = 0;

class Call implements StreamHandler {
  #sentMs = 0;
  #ok = false;

  start(connection: ClientConnection): void {
    this.#ok = false;
    this.#sentMs = performance.now();
    const head = createRequestHead();
    head.method = "POST";
    head.path = "/bench.Bench/Unary";
    head.authority = authority;
    head.headers = headerListOf([
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ["user-agent", "heddle-bench"],
    ]);
    connection.request(head, false, this).sendData(PAYLOAD, 0, PAYLOAD.length, true);
  }

  onHead(_stream: HttpStream, head: ResponseHead, endStream: boolean): void {
    if (endStream)
      console.error(`a call ended with its head: ${head.status} ${JSON.stringify(headerEntries(head.headers))}`);
  }

  onTrailers(_stream: HttpStream, trailers: HeaderList): void {
    this.#ok = trailers.get("grpc-status") === "0";
  }

  onClose(): void {
    if (!this.#ok) errors++;
    latencies.add(performance.now() - this.#sentMs);
    finished++;
    if (finished === requests) {
      latencies.print(beganMs, errors);
      process.exit(0);
    }
    if (started >= requests) return;
    started++;
    ready.push(this);
  }

  onInformational(): void {}
  onData(): void {}
  onReset(_stream: HttpStream, failure: WireFailure): void {
    console.error(`a call was reset: ${failure.code} ${failure.message}`);
  }

  onDrain(): void {}
}

/** Calls that may send again; started after the event, when their streams are gone. */
const ready: Call[] = [];

const host: ClientHost = {
  wantsFlush() {},
  setReadPaused() {},
  wantsClose() {},
  wantsHalfClose() {},
  onFailure(_connection, failure) {
    console.error(failure.message);
    process.exit(1);
  },
  onCapacity() {},
};
const connection = createHttp2Client({}, host);

function flush(socket: Writer): void {
  while (connection.capacity > 0) {
    const call = ready.pop();
    if (call === undefined) break;
    call.start(connection);
  }
  writeAll(connection, socket);
}

// A load that stands still must end as an error, never hang the run.
const STALLED_MS = 15_000;
let seen = 0;
const watchdog = setInterval(() => {
  if (finished === seen) {
    console.error(`${finished} of ${requests} calls are done and none more came in ${STALLED_MS / 1000} s`);
    process.exit(1);
  }
  seen = finished;
}, STALLED_MS);
watchdog.unref();

await Bun.connect({
  hostname: "127.0.0.1",
  port: Number(portText),
  socket: {
    open(socket) {
      flush(socket);
    },
    data(socket, chunk) {
      connection.receive(chunk, 0, chunk.length);
      if (beganMs === 0) {
        // The first bytes are the server's SETTINGS: from now on its limit of streams is known.
        beganMs = performance.now();
        for (; started < Math.min(streams, requests); started++) ready.push(new Call());
      }
      flush(socket);
    },
    drain: flush,
    close() {
      console.error("the connection was closed before all calls were answered");
      process.exit(1);
    },
    error(_socket, error) {
      console.error(error.message);
      process.exit(1);
    },
  },
});
