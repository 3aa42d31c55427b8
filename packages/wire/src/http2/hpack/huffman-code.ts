/** Code lengths by byte. The code is canonical, so the lengths say everything. Source: RFC 7541 appendix B. */
const LENGTHS: readonly number[] = (
  "13,23,28,28,28,28,28,28,28,24,30,28,28,30,28,28,28,28,28,28,28,28,30,28,28,28,28,28,28,28,28,28," +
  "6,10,10,12,13,6,8,11,10,10,8,11,8,6,6,6,5,5,5,6,6,6,6,6,6,6,7,8,15,6,12,10," +
  "13,6,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,8,7,8,13,19,13,14,6," +
  "15,5,6,5,6,5,6,6,6,5,7,7,6,6,6,5,6,7,6,5,5,6,7,7,7,7,7,15,11,14,13,28," +
  "20,22,20,20,22,22,22,23,22,23,23,23,23,23,24,23,24,24,22,23,24,23,23,23,23,21,22,23,22,23,23,24," +
  "22,21,20,22,22,23,23,21,23,22,22,24,21,22,23,23,21,21,22,21,23,22,23,23,20,22,22,22,23,22,22,23," +
  "26,26,20,19,22,23,22,25,26,26,26,27,27,26,24,25,19,21,26,27,27,26,27,24,21,21,26,26,28,27,27,27," +
  "20,24,20,21,22,21,21,23,22,22,25,25,24,24,26,23,26,27,26,26,27,27,27,27,27,28,27,27,27,27,27,26"
)
  .split(",")
  .map(Number);

/** End of string: thirty ones. It must never appear in full. */
const EOS = 256;

export const HUFFMAN_LENGTHS: Uint8Array = Uint8Array.from(LENGTHS);
export const HUFFMAN_CODES: Uint32Array = assignCodes();

function assignCodes(): Uint32Array {
  const codes = new Uint32Array(256);
  const order = LENGTHS.map((_, symbol) => symbol).sort((a, b) => (LENGTHS[a] ?? 0) - (LENGTHS[b] ?? 0) || a - b);
  let code = 0;
  let length = 0;
  for (const symbol of order) {
    const wanted = LENGTHS[symbol] ?? 0;
    code <<= wanted - length;
    length = wanted;
    codes[symbol] = code++;
  }
  return codes;
}

/** Bits of a transition: next state in the low byte, emitted byte above it, then flags. */
export const EMITS = 1 << 16;
/** Ending here is legal: what was read of an unfinished code is at most seven ones. */
export const ACCEPTS = 1 << 17;
export const FAILS = 1 << 18;

/** Transition by `state * 16 + nibble`; state 0 is the start. */
export const HUFFMAN_STEPS: Int32Array = buildSteps();

interface Node {
  readonly state: number;
  readonly depth: number;
  readonly onlyOnes: boolean;
  readonly children: (Node | number | undefined)[];
}

function buildSteps(): Int32Array {
  const nodes: Node[] = [];
  const addNode = (depth: number, onlyOnes: boolean): Node => {
    const node: Node = { state: nodes.length, depth, onlyOnes, children: [undefined, undefined] };
    nodes.push(node);
    return node;
  };
  const root = addNode(0, true);
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const length = symbol === EOS ? 30 : (LENGTHS[symbol] ?? 0);
    const code = symbol === EOS ? 0x3fffffff : (HUFFMAN_CODES[symbol] ?? 0);
    let node = root;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = (code >>> bit) & 1;
      const child = node.children[side];
      const next = typeof child === "object" ? child : addNode(node.depth + 1, node.onlyOnes && side === 1);
      node.children[side] = next;
      node = next;
    }
    node.children[code & 1] = symbol;
  }
  const steps = new Int32Array(nodes.length * 16);
  for (const node of nodes) {
    for (let nibble = 0; nibble < 16; nibble++) steps[node.state * 16 + nibble] = step(root, node, nibble);
  }
  return steps;
}

function step(root: Node, from: Node, nibble: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = node.children[(nibble >>> bit) & 1];
    if (child === undefined || child === EOS) return FAILS;
    if (typeof child === "number") {
      emitted = EMITS | (child << 8);
      node = root;
    } else {
      node = child;
    }
  }
  return emitted | node.state | (node.onlyOnes && node.depth <= 7 ? ACCEPTS : 0);
}
