import type { AttributeWriter } from "../attribute.ts";
import { COMPARE, DATA, EXPRESSION, LIST_ELEMENT, REGISTER, VERDICT, VERDICT_CODE } from "./constants.ts";
import type { Verdict } from "./ruleset.ts";

/** One nf_tables expression: its kernel name and its attributes. Rules are lists of these. */
export interface Expression {
  readonly name: string;
  write(writer: AttributeWriter): void;
}

export function writeExpressions(writer: AttributeWriter, expressions: readonly Expression[]): void {
  for (const expression of expressions) {
    writer.nest(LIST_ELEMENT, () => {
      writer.text(EXPRESSION.name, expression.name);
      writer.nest(EXPRESSION.data, () => expression.write(writer));
    });
  }
}

export function loadMeta(key: number, register: number = REGISTER.first): Expression {
  return {
    name: "meta",
    write: (w) => {
      w.be32(1, register);
      w.be32(2, key);
    },
  };
}

export function storeMeta(key: number, register: number = REGISTER.first): Expression {
  return {
    name: "meta",
    write: (w) => {
      w.be32(2, key);
      w.be32(3, register);
    },
  };
}

export function loadPayload(base: number, offset: number, size: number, register: number = REGISTER.first): Expression {
  return {
    name: "payload",
    write: (w) => {
      w.be32(1, register);
      w.be32(2, base);
      w.be32(3, offset);
      w.be32(4, size);
    },
  };
}

export function compare(value: Uint8Array, operator: number = COMPARE.equal): Expression {
  return {
    name: "cmp",
    write: (w) => {
      w.be32(1, REGISTER.first);
      w.be32(2, operator);
      w.nest(3, () => w.bytes(DATA.value, value));
    },
  };
}

/** register = (register & mask) ^ flip. */
export function bitwise(mask: Uint8Array, flip: Uint8Array): Expression {
  return {
    name: "bitwise",
    write: (w) => {
      w.be32(1, REGISTER.first);
      w.be32(2, REGISTER.first);
      w.be32(3, mask.length);
      w.nest(4, () => w.bytes(DATA.value, mask));
      w.nest(5, () => w.bytes(DATA.value, flip));
    },
  };
}

export function immediate(value: Uint8Array, register: number): Expression {
  return {
    name: "immediate",
    write: (w) => {
      w.be32(1, register);
      w.nest(2, () => w.bytes(DATA.value, value));
    },
  };
}

export function verdictExpression(verdict: Verdict): Expression {
  return {
    name: "immediate",
    write: (w) => {
      w.be32(1, REGISTER.verdict);
      w.nest(2, () => writeVerdict(w, verdict));
    },
  };
}

export function writeVerdict(w: AttributeWriter, verdict: Verdict): void {
  w.nest(DATA.verdict, () => {
    w.be32(VERDICT.code, VERDICT_CODE[verdict.kind]);
    if (verdict.kind === "jump" || verdict.kind === "goto") w.text(VERDICT.chain, verdict.chain);
  });
}

export const counter: Expression = {
  name: "counter",
  write: (w) => {
    w.be64(1, 0n);
    w.be64(2, 0n);
  },
};

/** A property of the packet's connection into the first register. */
export function loadConnection(key: number): Expression {
  return {
    name: "ct",
    write: (w) => {
      w.be32(1, REGISTER.first);
      w.be32(2, key);
    },
  };
}

/** Type of the destination address (`RTN_*`) into the first register. */
export function destinationType(): Expression {
  return {
    name: "fib",
    write: (w) => {
      w.be32(1, REGISTER.first);
      w.be32(2, 3);
      w.be32(3, 2);
    },
  };
}

export function randomNumber(modulus: number): Expression {
  return {
    name: "numgen",
    write: (w) => {
      w.be32(1, REGISTER.first);
      w.be32(2, modulus);
      w.be32(3, 1);
      w.be32(4, 0);
    },
  };
}

/** Jenkins hash of the first register. */
export function jenkinsHash(size: number, modulus: number, seed: number): Expression {
  return {
    name: "hash",
    write: (w) => {
      w.be32(1, REGISTER.first);
      w.be32(2, REGISTER.first);
      w.be32(3, size);
      w.be32(4, modulus);
      w.be32(5, seed);
      w.be32(7, 0);
    },
  };
}

export function lookupVerdict(map: string, register: number): Expression {
  return {
    name: "lookup",
    write: (w) => {
      w.text(1, map);
      w.be32(2, register);
      w.be32(3, REGISTER.verdict);
    },
  };
}

/** `kind` 0 source, 1 destination; the address is in the first register, the port, if any, in the second. */
export function translate(kind: 0 | 1, family: number, withPort: boolean): Expression {
  return {
    name: "nat",
    write: (w) => {
      w.be32(1, kind);
      w.be32(2, family);
      w.be32(3, REGISTER.first);
      if (withPort) w.be32(5, REGISTER.second);
    },
  };
}

/** Redirect to the port in the first register. */
export const redirect: Expression = {
  name: "redir",
  write: (w) => {
    w.be32(1, REGISTER.first);
    w.be32(3, 2);
  },
};
export const masquerade: Expression = { name: "masq", write: () => undefined };

export function reject(family: number): Expression {
  const icmpPortUnreachable = family === 10 ? 4 : 3;
  // Type 0 is ICMP of the table's family, 2 the abstraction that an inet table needs (code 1: port unreachable).
  return family === 1
    ? {
        name: "reject",
        write: (w) => {
          w.be32(1, 2);
          w.u8(2, 1);
        },
      }
    : {
        name: "reject",
        write: (w) => {
          w.be32(1, 0);
          w.u8(2, icmpPortUnreachable);
        },
      };
}

export const tcpReset: Expression = { name: "reject", write: (w) => w.be32(1, 1) };
