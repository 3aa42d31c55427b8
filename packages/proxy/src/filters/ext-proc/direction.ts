import type { HeaderList } from "@heddle/wire";
import type {
  BodyMutation,
  CommonResponse,
  HeaderMutation,
} from "@heddle/xds-api/envoy/service/ext_proc/v3/external_processor";
import type { DirectionMode } from "../../config/filters/processing-mode.ts";
import type { HeaderFields } from "./header-fields.ts";

/** A body that is kept may have so much. Source: Envoy's default for connections. Units: bytes. */
export const BUFFER_BYTES = 1_048_576;
/** With more than this kept the sender is asked to pause. Units: bytes. */
const PAUSE_BYTES = 65_536;
const NOTHING = new Uint8Array(0);

/** Where one direction of an exchange goes on. */
export interface DirectionExit {
  passHead(end: boolean): void;
  /** Bytes that stay the caller's. */
  passData(bytes: Uint8Array, end: boolean): void;
  passTrailers(trailers: HeaderList): void;
  /** Whether the sender is to pause. */
  hold(held: boolean): void;
  /** More has come than is kept. */
  overflow(): void;
}

/** What a direction has to say to the processor, and what it asks of its filter. */
export interface DirectionVoice {
  tellHeaders(direction: Direction, end: boolean): void;
  tellBody(direction: Direction, bytes: Uint8Array, end: boolean): void;
  tellTrailers(direction: Direction, trailers: HeaderList): void;
  /** Errors: what is wrong with the mutation, in Envoy's words. */
  mutateHead(direction: Direction, mutation: HeaderMutation, replacing: boolean): string | undefined;
  mutateTrailers(trailers: HeaderList, mutation: HeaderMutation): string | undefined;
  /** An answer that may want another route. */
  answered(direction: Direction, response: CommonResponse): void;
  /** Nothing is awaited any more. */
  settled(direction: Direction): void;
}

/** What became of an answer: taken, not what was asked for, or impossible. */
export type Verdict = { readonly kind: "taken" } | { readonly kind: "spurious" | "failed"; readonly why: string };

const TAKEN: Verdict = { kind: "taken" };
const SPURIOUS: Verdict = { kind: "spurious", why: "spurious message" };
const failed = (why: string): Verdict => ({ kind: "failed", why });

/** `ahead`: streamed bodies do not wait for the headers' answer; `watched`: nothing waits for any answer. */
export type DirectionWay = "asked" | "ahead" | "watched";

interface Chunk {
  readonly bytes: Uint8Array;
  readonly end: boolean;
}

/**
 * The request or the response of an exchange on its way past the processor. States and transitions: LIFECYCLE.md.
 * Invariant: what is passed on is in order; a head is never passed after its data.
 */
export class Direction {
  readonly #exit: DirectionExit;
  readonly #voice: DirectionVoice;
  readonly #ahead: boolean;
  readonly #watched: boolean;
  mode: DirectionMode;
  /** The head that is held, for mutations; undefined: it has gone, or has not come. */
  head: HeaderFields | undefined = undefined;
  #awaits: "nothing" | "buffered" | "streamed" | "partial" | "trailers" = "nothing";
  #headersDue = false;
  #headEnd = false;
  /** Not shown to the processor yet. */
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** Shown and not answered; in partial mode also what came after it. */
  #shown: Chunk[] = [];
  #shownBytes = 0;
  #trailers: HeaderList | undefined = undefined;
  #trailersShown = false;
  /** The body has come, to its end. */
  #complete = false;
  #replaced = false;
  #partialDone = false;
  /** Nothing is processed any more. */
  #free = false;
  /** What came before is not wanted any more. */
  #stopped = false;
  #ended = false;
  #held = false;
  /** A part of a duplex body is at the processor, and comes back from there only. */
  bodyAway = false;
  /** The processor, or the receiver, is slow. */
  #blocked = false;

  constructor(exit: DirectionExit, voice: DirectionVoice, mode: DirectionMode, way: DirectionWay) {
    this.#exit = exit;
    this.#voice = voice;
    this.mode = mode;
    this.#ahead = way === "ahead";
    this.#watched = way === "watched";
  }

  get headersDue(): boolean {
    return this.#headersDue;
  }
  /** Something is held that the processor has not answered. */
  get waiting(): boolean {
    return this.#headersDue || this.#awaits !== "nothing";
  }
  /** All has been passed on. */
  get ended(): boolean {
    return this.#ended;
  }

  // ---- What comes ----------------------------------------------------------------------------------------------------

  onHead(head: HeaderFields, end: boolean): void {
    this.head = head;
    this.#headEnd = end;
    if (end) this.#complete = true;
    if (this.#free || !this.mode.headers || this.#watched) {
      if (this.#watched && this.mode.headers && !this.#free) this.#voice.tellHeaders(this, end);
      this.#passHead();
      return;
    }
    this.#headersDue = true;
    this.#voice.tellHeaders(this, end);
  }

  onData(bytes: Uint8Array, end: boolean): void {
    if (end) this.#complete = true;
    if (this.#replaced) {
      if (end) this.#pass(NOTHING, true);
      return;
    }
    if (this.#watched && !this.#free) {
      if (this.mode.body === "streamed" && (bytes.length > 0 || end)) this.#voice.tellBody(this, bytes, end);
      // Telling may have ended it.
      if (!this.#stopped) this.#pass(bytes, end);
      return;
    }
    const { body } = this.mode;
    const { length } = bytes;
    if (this.#free || (body === "none" && !this.#headersDue)) {
      this.#pass(bytes, end);
      return;
    }
    if (body === "duplex") {
      if (length === 0 && !end) return;
      this.bodyAway = true;
      this.#awaits = "streamed";
      this.#voice.tellBody(this, bytes, end);
      return;
    }
    if (this.#headersDue && !(this.#ahead && body === "streamed")) {
      this.#keep(bytes);
      return;
    }
    if (body === "buffered") this.#gather(bytes, end);
    else if (body === "streamed") this.#stream(bytes, end);
    else this.#gatherPart(bytes, end);
  }

  onTrailers(trailers: HeaderList): void {
    const before = this.#complete;
    this.#complete = true;
    this.#trailers = trailers;
    if (this.#watched && !this.#free) {
      if (this.mode.trailers) this.#voice.tellTrailers(this, trailers);
      if (!this.#stopped) this.#goOn();
      return;
    }
    const { body } = this.mode;
    if (this.#free || this.#replaced) {
      this.#goOn();
      return;
    }
    if (body === "duplex") {
      this.#showTrailers();
      return;
    }
    if (this.waiting) return;
    if (!before && body === "buffered" && this.#keptBytes > 0) this.#showKept(false);
    else if (!before && body === "partial" && this.#shown.length > 0 && !this.#partialDone) this.#showPart(false);
    else this.#afterBody();
  }

  #gather(bytes: Uint8Array, end: boolean): void {
    this.#keep(bytes);
    if (this.#keptBytes > BUFFER_BYTES) this.#exit.overflow();
    else if (end) this.#showKept(true);
  }

  #stream(bytes: Uint8Array, end: boolean): void {
    if (bytes.length === 0 && !end) return;
    this.#enqueue(bytes, end);
    this.#awaits = "streamed";
    this.#voice.tellBody(this, bytes, end);
  }

  #gatherPart(bytes: Uint8Array, end: boolean): void {
    if (this.#partialDone) {
      this.#pass(bytes, end);
      return;
    }
    this.#enqueue(bytes, end);
    if (this.#awaits !== "partial" && (end || this.#shownBytes > BUFFER_BYTES)) this.#showPart(end);
  }

  // ---- What is shown -------------------------------------------------------------------------------------------------

  #showKept(end: boolean): void {
    const bytes = Buffer.concat(this.#kept);
    this.#kept = [bytes];
    this.#awaits = "buffered";
    this.#flow();
    this.#voice.tellBody(this, bytes, end);
  }

  #showPart(end: boolean): void {
    const bytes = Buffer.concat(this.#shown.map((chunk) => chunk.bytes));
    this.#shown = [{ bytes, end }];
    this.#awaits = "partial";
    this.#flow();
    this.#voice.tellBody(this, bytes, end);
  }

  #showTrailers(): void {
    if (this.#trailers === undefined) return;
    this.#trailersShown = true;
    if (this.mode.body !== "duplex") this.#awaits = "trailers";
    this.#voice.tellTrailers(this, this.#trailers);
  }

  // ---- What the processor answers ------------------------------------------------------------------------------------

  onHeadersAnswer(response: CommonResponse | undefined): Verdict {
    if (!this.#headersDue) return SPURIOUS;
    const replacing = response?.status === 1;
    const wrong = this.#mutate(response, replacing);
    if (wrong !== undefined) return failed(wrong);
    this.#headersDue = false;
    if (response !== undefined) this.#voice.answered(this, response);
    if (replacing) {
      this.#replace(response.bodyMutation);
      return TAKEN;
    }
    const { body } = this.mode;
    if (this.#awaits === "nothing") this.#voice.settled(this);
    if (this.#headEnd) this.#goOn();
    else if (this.#complete && body !== "none" && body !== "duplex" && this.#kept.length > 0)
      this.#showKept(this.#trailers === undefined);
    else if (body === "buffered" && !this.#complete) this.#flow();
    else if (body === "streamed") {
      this.#passHead();
      const kept = this.#takeKept();
      if (kept.length > 0) this.#stream(kept, false);
      if (this.#complete && this.#awaits === "nothing") this.#afterBody();
      this.#flow();
    } else if (body === "partial" && !this.#complete) {
      const kept = this.#takeKept();
      if (kept.length > 0) this.#enqueue(kept, false);
      if (this.#shownBytes > BUFFER_BYTES) this.#showPart(false);
      this.#flow();
    } else if (body === "duplex") this.#passHead();
    else this.#afterBody();
    return TAKEN;
  }

  onBodyAnswer(response: CommonResponse | undefined): Verdict {
    switch (this.#awaits) {
      case "buffered":
        return this.#onKeptAnswer(response);
      case "partial":
        return this.#onPartAnswer(response);
      case "streamed":
        if (this.#headersDue) return SPURIOUS;
        return this.mode.body === "duplex" ? this.#onDuplexAnswer(response) : this.#onChunkAnswer(response);
      default:
        return SPURIOUS;
    }
  }

  onTrailersAnswer(mutation: HeaderMutation | undefined): Verdict {
    const due = this.#awaits === "trailers" || (this.#trailersShown && this.mode.body === "duplex");
    if (!due || this.#headersDue || this.#trailers === undefined) return SPURIOUS;
    const wrong = mutation === undefined ? undefined : this.#voice.mutateTrailers(this.#trailers, mutation);
    if (wrong !== undefined) return failed(wrong);
    this.#settle();
    this.#goOn();
    return TAKEN;
  }

  #onKeptAnswer(response: CommonResponse | undefined): Verdict {
    const wrong = this.#mutate(response, false);
    if (wrong !== undefined) return failed(wrong);
    const mutation = response?.bodyMutation;
    if (mutation?.mutation.case !== undefined) {
      const told = this.head?.get("content-length");
      const size = mutation.mutation.case === "body" ? mutation.mutation.value.length : 0;
      if (told !== undefined && Number(told) !== size)
        return failed("mismatch between content length and the length of the mutated body");
    }
    this.#kept = [mutated(this.#takeKept(), mutation)];
    this.#settle();
    if (response !== undefined) this.#voice.answered(this, response);
    this.#afterBody();
    return TAKEN;
  }

  #onPartAnswer(response: CommonResponse | undefined): Verdict {
    const wrong = this.#mutate(response, false);
    if (wrong !== undefined) return failed(wrong);
    const [first, ...rest] = this.#takeShown();
    this.#kept = [mutated(first?.bytes ?? NOTHING, response?.bodyMutation), ...rest.map((chunk) => chunk.bytes)];
    this.#partialDone = true;
    this.#settle();
    if (response !== undefined) this.#voice.answered(this, response);
    this.#afterBody();
    return TAKEN;
  }

  #onChunkAnswer(response: CommonResponse | undefined): Verdict {
    if (response?.bodyMutation?.mutation.case === "streamedResponse")
      return {
        kind: "spurious",
        why: "spurious message: streamed_response is received while body_mode_ is not FULL_DUPLEX_STREAMED",
      };
    const chunk = this.#shown.shift();
    if (chunk === undefined) return SPURIOUS;
    this.#shownBytes -= chunk.bytes.length;
    if (response !== undefined) this.#voice.answered(this, response);
    // As in Envoy: of several parts under way only the newest is timed.
    if (this.#shown.length === 0) this.#awaits = "nothing";
    this.#voice.settled(this);
    this.#pass(mutated(chunk.bytes, response?.bodyMutation), chunk.end);
    if (this.#shown.length === 0 && this.#trailers !== undefined) this.#afterBody();
    this.#flow();
    return TAKEN;
  }

  #onDuplexAnswer(response: CommonResponse | undefined): Verdict {
    const mutation = response?.bodyMutation?.mutation;
    if (mutation?.case !== "streamedResponse")
      return {
        kind: "spurious",
        why: "spurious message: Normal body mutation response is received while body_mode_ is FULL_DUPLEX_STREAMED",
      };
    const { body, endOfStream } = mutation.value;
    if (endOfStream) this.#settle();
    this.#pass(body, endOfStream);
    return TAKEN;
  }

  #mutate(response: CommonResponse | undefined, replacing: boolean): string | undefined {
    if (response?.headerMutation === undefined || this.head === undefined) return undefined;
    return this.#voice.mutateHead(this, response.headerMutation, replacing);
  }

  /** The processor has given the whole message. */
  #replace(mutation: BodyMutation | undefined): void {
    this.mode = { headers: false, body: "none", trailers: false };
    this.#takeShown();
    this.#settle();
    if (mutation?.mutation.case !== undefined) {
      this.head?.remove("content-length");
      this.#kept = [mutated(this.#takeKept(), mutation)];
      this.#replaced = true;
      this.#headEnd = false;
    }
    this.#goOn();
  }

  // ---- What goes on --------------------------------------------------------------------------------------------------

  /** Nothing more is asked of the processor: what is held goes on as it is. */
  free(): void {
    if (this.#free) return;
    this.#free = true;
    this.#headersDue = false;
    this.#settle();
    const shown = this.mode.body === "duplex" ? [] : this.#takeShown().map((chunk) => chunk.bytes);
    this.#kept = [...shown, ...this.#kept];
    this.#keptBytes = 0;
    if (this.head !== undefined || this.#kept.length > 0 || this.#complete) this.#goOn();
    this.#flow();
  }

  /** Nothing of what is held goes on, nor of what comes. */
  discard(): void {
    this.#free = true;
    this.#stopped = true;
    this.#complete = false;
    this.#ended = false;
    this.#headersDue = false;
    this.head = undefined;
    this.#kept = [];
    this.#takeShown();
    this.#trailers = undefined;
    this.#keptBytes = 0;
    this.#settle();
    this.#flow();
  }

  /** The other side of what is sent has no room, or has room again. */
  block(blocked: boolean): void {
    this.#blocked = blocked;
    this.#flow();
  }

  #afterBody(): void {
    if (this.mode.trailers && this.#trailers !== undefined && !this.#trailersShown && !this.#free) this.#showTrailers();
    else this.#goOn();
  }

  /** Passes on what is held. */
  #goOn(): void {
    this.#passHead();
    const kept = this.#takeKept();
    const end = this.#complete && this.#trailers === undefined;
    if (kept.length > 0 || (end && !this.#headEnd)) this.#pass(kept, end);
    if (this.#trailers !== undefined && !this.#ended) {
      this.#ended = true;
      this.#exit.passTrailers(this.#trailers);
    }
    this.#flow();
  }

  #passHead(): void {
    if (this.head === undefined) return;
    this.head = undefined;
    if (this.#headEnd) this.#ended = true;
    this.#exit.passHead(this.#headEnd);
  }

  #pass(bytes: Uint8Array, end: boolean): void {
    if (this.#ended || (bytes.length === 0 && !end)) return;
    if (end) this.#ended = true;
    this.#exit.passData(bytes, end);
  }

  #settle(): void {
    this.#awaits = "nothing";
    this.#voice.settled(this);
  }

  #keep(bytes: Uint8Array): void {
    this.#kept.push(bytes.slice());
    this.#keptBytes += bytes.length;
    this.#flow();
  }

  #takeKept(): Uint8Array {
    const [first = NOTHING, ...rest] = this.#kept;
    const bytes = rest.length === 0 ? first : Buffer.concat(this.#kept);
    this.#kept = [];
    this.#keptBytes = 0;
    return bytes;
  }

  #enqueue(bytes: Uint8Array, end: boolean): void {
    this.#shown.push({ bytes: bytes.slice(), end });
    this.#shownBytes += bytes.length;
    this.#flow();
  }

  #takeShown(): Chunk[] {
    const shown = this.#shown;
    this.#shown = [];
    this.#shownBytes = 0;
    return shown;
  }

  /** Asks the sender to pause while more than enough is kept, unless all of it is wanted. */
  #flow(): void {
    const gathers = (this.mode.body === "buffered" || this.mode.body === "partial") && !this.waiting;
    const bytes = this.#keptBytes + this.#shownBytes;
    const held = this.#blocked || (!gathers && bytes > PAUSE_BYTES);
    if (held === this.#held) return;
    this.#held = held;
    this.#exit.hold(held);
  }
}

function mutated(bytes: Uint8Array, mutation: BodyMutation | undefined): Uint8Array {
  const change = mutation?.mutation;
  if (change?.case === "body") return change.value;
  return change?.case === "clearBody" && change.value ? NOTHING : bytes;
}
