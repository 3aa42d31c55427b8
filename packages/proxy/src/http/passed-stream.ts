import type {
  HeaderList,
  HttpConnection,
  HttpStream,
  RequestHead,
  ResponseHead,
  ServerStream,
  StreamBytes,
  StreamHandler,
  WireFailure,
} from "@heddle/wire";

/** A client's stream with something between it and who answers: what a subclass does not change passes by. */
export abstract class PassedStream implements ServerStream, StreamHandler {
  /** The client's own. */
  protected readonly inner: ServerStream;
  /** Who gets what the client sends. */
  handler: StreamHandler;

  constructor(inner: ServerStream) {
    this.inner = inner;
    this.handler = inner.handler;
    inner.handler = this;
  }

  get id(): number {
    return this.inner.id;
  }
  get connection(): HttpConnection {
    return this.inner.connection;
  }
  get request(): RequestHead {
    return this.inner.request;
  }
  get wireBytes(): StreamBytes | undefined {
    return this.inner.wireBytes;
  }
  get bufferedBytes(): number {
    return this.inner.bufferedBytes;
  }
  get receiveClosed(): boolean {
    return this.inner.receiveClosed;
  }
  get sendClosed(): boolean {
    return this.inner.sendClosed;
  }

  // ---- From the client -----------------------------------------------------------------------------------------------

  abstract onData(stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  abstract onTrailers(stream: HttpStream, trailers: HeaderList): void;

  onReset(_stream: HttpStream, failure: WireFailure): void {
    this.handler.onReset(this, failure);
  }
  onDrain(): void {
    this.handler.onDrain(this);
  }
  onClose(): void {
    this.handler.onClose(this);
  }
  onHead(): void {}
  onInformational(): void {}

  // ---- To the client -------------------------------------------------------------------------------------------------

  abstract sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean;
  abstract sendTrailers(trailers: HeaderList): void;

  sendInformational(head: ResponseHead): void {
    this.inner.sendInformational(head);
  }
  sendHead(head: ResponseHead, endStream: boolean): void {
    this.inner.sendHead(head, endStream);
  }
  reset(h2Code?: number): void {
    this.inner.reset(h2Code);
  }
  pause(): void {
    this.inner.pause();
  }
  resume(): void {
    this.inner.resume();
  }
}
