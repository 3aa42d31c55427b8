// Hot path: every indexed field is looked up here.
import type { HpackField } from "./field.ts";

/** The decoder's dynamic table: newest first, bounded by the sum of entry sizes. Source: RFC 7541 2.3.2, 4. */
export class DynamicTable {
  /** Units: bytes. Invariant: sum of entry sizes, never above `capacity`. */
  size = 0;
  capacity: number;
  #ring: (HpackField | null)[] = new Array<HpackField | null>(32).fill(null);
  /** Ring position of the newest entry. */
  #newest = 0;
  length = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** `index` 0 is the newest. */
  at(index: number): HpackField | null {
    if (index >= this.length) return null;
    return this.#ring[(this.#newest - index) & (this.#ring.length - 1)] ?? null;
  }

  add(field: HpackField): void {
    if (field.size > this.capacity) {
      // Legal, and empties the table. Source: RFC 7541 4.4.
      this.#evictTo(0);
      return;
    }
    this.#evictTo(this.capacity - field.size);
    if (this.length === this.#ring.length) this.#grow();
    this.#newest = (this.#newest + 1) & (this.#ring.length - 1);
    this.#ring[this.#newest] = field;
    this.length++;
    this.size += field.size;
  }

  resize(capacity: number): void {
    this.capacity = capacity;
    this.#evictTo(capacity);
  }

  #evictTo(size: number): void {
    while (this.size > size) {
      const oldest = (this.#newest - this.length + 1) & (this.#ring.length - 1);
      this.size -= this.#ring[oldest]?.size ?? 0;
      this.#ring[oldest] = null;
      this.length--;
    }
  }

  #grow(): void {
    const ring = new Array<HpackField | null>(this.#ring.length * 2).fill(null);
    for (let i = 0; i < this.length; i++) ring[this.length - 1 - i] = this.at(i);
    this.#ring = ring;
    this.#newest = this.length - 1;
  }
}
