// Hot path: entered for every socket event.
import type { NativeHandlers } from "./bun-socket.ts";
import type { FlushQueue } from "./flush-queue.ts";

/** One table of handlers for all sockets of a process: the socket's `data` field says who is meant. */
export function createNativeHandlers(queue: FlushQueue): NativeHandlers {
  return {
    open(socket) {
      queue.enter();
      socket.data.socketOpened(socket);
      queue.leave();
    },
    handshake(socket, ok, error) {
      queue.enter();
      socket.data.socketHandshake(socket, ok, error);
      queue.leave();
    },
    session(socket, session) {
      socket.data.socketSession?.(socket, session);
    },
    data(socket, chunk) {
      queue.enter();
      queue.read(chunk.length);
      socket.data.socketData(chunk);
      queue.leave();
    },
    end(socket) {
      queue.enter();
      socket.data.socketEnd();
      queue.leave();
    },
    drain(socket) {
      queue.enter();
      socket.data.socketDrain();
      queue.leave();
    },
    close(socket, error) {
      queue.enter();
      socket.data.socketClosed(error);
      queue.leave();
    },
    error(socket, error) {
      queue.enter();
      socket.data.socketError(error);
      queue.leave();
    },
  };
}
