import { type HeaderList, headerEntries, type RequestHead, type ResponseHead } from "@heddle/wire";

/** A head or trailers as processors see them: what HTTP/2 writes with a colon is a field like the others. */
export interface HeaderFields {
  entries(): readonly (readonly [name: string, value: string])[];
  get(name: string): string | undefined;
  /** False: such a value can't stand there. */
  set(name: string, value: string): boolean;
  append(name: string, value: string): void;
  remove(name: string): void;
}

class Fields implements HeaderFields {
  protected readonly list: HeaderList;

  constructor(list: HeaderList) {
    this.list = list;
  }

  entries(): readonly (readonly [string, string])[] {
    return headerEntries(this.list);
  }
  get(name: string): string | undefined {
    return this.list.get(name);
  }
  set(name: string, value: string): boolean {
    if (name.startsWith(":")) return false;
    this.list.set(name, value);
    return true;
  }
  append(name: string, value: string): void {
    this.list.append(name, value);
  }
  remove(name: string): void {
    this.list.remove(name);
  }
}

const AUTHORITY = /^[\w.~%!$&'()*+,;=:@[\]-]*$/;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Of the request, written through. */
export function requestFields(head: RequestHead): HeaderFields {
  const fields = new Fields(head.headers);
  const own = (name: string): "authority" | "path" | "method" | "scheme" | undefined => {
    switch (name) {
      case "host":
      case ":authority":
        return "authority";
      case ":path":
        return "path";
      case ":method":
        return "method";
      case ":scheme":
        return "scheme";
      default:
        return undefined;
    }
  };
  return {
    entries: () => [
      [":authority", head.authority],
      [":path", head.path],
      [":method", head.method],
      [":scheme", head.scheme],
      ...fields.entries(),
    ],
    get: (name) => {
      const key = own(name);
      return key === undefined ? fields.get(name) : head[key];
    },
    set: (name, value) => {
      const key = own(name);
      if (key === undefined) return fields.set(name, value);
      if (key === "scheme" && value !== "http" && value !== "https") return false;
      if (key === "authority" && !AUTHORITY.test(value)) return false;
      if (key === "method" && !METHOD.test(value)) return false;
      if (key === "path" && !/^[/*]/.test(value)) return false;
      head[key] = value;
      return true;
    },
    append: (name, value) => fields.append(name, value),
    remove: (name) => fields.remove(name),
  };
}

/** Of the response, written through. */
export function responseFields(head: ResponseHead): HeaderFields {
  const fields = new Fields(head.headers);
  return {
    entries: () => [[":status", String(head.status)], ...fields.entries()],
    get: (name) => (name === ":status" ? String(head.status) : fields.get(name)),
    set: (name, value) => {
      if (name !== ":status") return fields.set(name, value);
      if (!/^[2-9]\d\d$/.test(value)) return false;
      head.status = Number(value);
      return true;
    },
    append: (name, value) => fields.append(name, value),
    remove: (name) => fields.remove(name),
  };
}

export function trailerFields(list: HeaderList): HeaderFields {
  return new Fields(list);
}
